import { z } from "zod";
import { mode } from "#lib/catalog/previews/schema.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { seedJson } from "#lib/picture/seed.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";

/** As much text as is read from a PNG, as JSON. */
export const RECIPE_BYTES = 2 * 2 ** 20;

const text = z
  .string()
  .max(2 ** 20)
  .optional();

export const pictureTexts = z.strictObject({
  guidepost: text.meta({ description: "the text of that key in a PNG: a recipe as this hub writes it" }),
  parameters: text.meta({ description: "the text of that key: generation parameters as other tools write them" }),
  prompt: text.meta({ description: "the text of that key: the graph that ComfyUI ran" }),
  workflow: text.meta({ description: "the text of that key: the graph as it stood on ComfyUI's screen" }),
});
export type PictureTexts = z.output<typeof pictureTexts>;

const found = z.object({
  repo: fullName,
  commit: z.string(),
  isHead: z.boolean().meta({ description: "whether the newest commit has the file still" }),
});
export type FoundRepo = z.output<typeof found>;

export const openedRecipe = z.object({
  prompt: z.string(),
  negativePrompt: z.string().nullable(),
  promptSyntax: z.enum(promptSyntaxes),
  seed: seedJson.nullable().meta({ description: "a text of digits where a number would lose some" }),
  steps: z.number().nullable(),
  guidanceScale: z.number().nullable(),
  guidanceRescale: z.number().nullable(),
  guideStrength: z.number().nullable(),
  cfgSteps: z.number().nullable(),
  width: z.number().nullable(),
  height: z.number().nullable(),
  clipSkip: z.number().meta({ description: "layers of the text encoders that were left out" }),
  loraStrength: z.number().meta({ description: "of the fine-tune, where it is a low-rank one" }),
  sampler: z.enum(samplerNames).nullable().meta({ description: "the same, or the nearest: then a note says so" }),
  mode: mode.nullable().meta({ description: "which picture it was" }),
  finetune: found.nullable(),
  guide: found.nullable(),
  missing: z
    .array(z.object({ role: z.string(), name: z.string(), hash: z.string().nullable() }))
    .meta({ description: "files of it that are on no repo that you may see" }),
  notes: z.array(z.string()).meta({ description: "why the picture may come out another" }),
});
export type OpenedRecipe = z.output<typeof openedRecipe>;
