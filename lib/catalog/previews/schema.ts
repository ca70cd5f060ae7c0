import { z } from "zod";
import { jobState } from "#lib/catalog/inspections/schema.ts";
import { plainProse, storableText } from "#lib/catalog/plain-text.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { unitView } from "#lib/catalog/units/schema.ts";
import { pageOf, pageQuery } from "#lib/page.ts";
import { RecipeJson } from "#lib/picture/recipe.ts";
import { parseSeed, toSeedJson } from "#lib/picture/seed.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import {
  LEAST_SIDE,
  MOST_CLIP_SKIP,
  MOST_GUIDANCE,
  MOST_GUIDE_STRENGTH,
  MOST_PROMPT,
  MOST_SIDE,
  MOST_STEPS,
  MOST_STRENGTH,
  SIDE_STEP,
} from "./limits.ts";
import { passesOfMode, type Walk } from "./passes.ts";

/** Always drawn and shown in this order. */
export const modes = ["conditional", "guide", "cfg"] as const;
export const mode = z.enum(modes);
export type Mode = z.output<typeof mode>;

export const KEPT_DAYS = 30;

const prompt = plainProse(MOST_PROMPT).regex(/^[^\p{Cc}\p{Cs}]*$/u, "it holds a line break or a control character");
const revision = storableText(255).min(1);

/** A number where JSON keeps it exactly, else its digits: 64 bits have more than a number holds. */
const seed = z
  .union([z.int(), z.string().regex(/^\d{1,20}$/, "it must be a whole number")])
  .refine((value) => (parseSeed(String(value)) ?? -1n) >= 0n, "it must be from 0 to 18446744073709551615")
  .overwrite((value) => {
    const exact = parseSeed(String(value));
    return exact === null ? value : toSeedJson(exact);
  });

const pixels = z.int().min(LEAST_SIDE).max(MOST_SIDE).multipleOf(SIDE_STEP);
const length = pixels.nullable().default(null);
const steps = z.int().min(1).max(MOST_STEPS);
const guidanceScale = z.number().min(1).max(MOST_GUIDANCE);

const settings = {
  prompt: prompt.min(1, "it must not be empty"),
  negativePrompt: prompt
    .nullable()
    .default(null)
    .meta({ description: "what CFG stays away from; a guide cannot follow one, except in its CFG steps" }),
  promptSyntax: z.enum(promptSyntaxes).default("plain").meta({
    description:
      "how both prompts are read: every character as text, or emphasis, BREAK and long prompts as A1111 does",
  }),
  seed: seed.meta({
    description:
      "the noise that all pictures begin with, as torch.randn draws it on a CPU: 0 to 2^64 - 1; above 2^53 - 1 as a text",
  }),
  width: length.meta({ description: "in pixels, with the height; null for what the model was trained on" }),
  height: length,
  steps: steps.default(20),
  guidanceScale: guidanceScale.default(5).meta({ description: "1 is none" }),
  guidanceRescale: z.number().min(0).max(1).default(0).meta({
    description: "how far CFG's contrast is brought back to that of the prompt alone (Lin et al. 2024)",
  }),
  cfgSteps: z
    .int()
    .min(0)
    .max(MOST_STEPS)
    .default(0)
    .meta({ description: "how many of the first steps CFG does before the guide takes over" }),
  guideStrength: z.number().min(0).max(MOST_GUIDE_STRENGTH).default(1).meta({
    description: "by which all that the guide adds is multiplied; 1 is as it was made",
  }),
  sampler: z.enum(samplerNames).default("ddim"),
  clipSkip: z.int().min(0).max(MOST_CLIP_SKIP).default(0).meta({
    description: "how many layers of the text encoders are left out at their end; A1111's clip skip less 1",
  }),
  loraStrength: z.number().min(-MOST_STRENGTH).max(MOST_STRENGTH).default(1).meta({
    description: "of a low-rank fine-tune: 1 is as it was trained",
  }),
};

const asked = z.strictObject({
  finetune: fullName.meta({ description: "a fine-tune or a base" }),
  revision: revision.default("HEAD").meta({ description: "a branch, a tag or a commit" }),
  guide: fullName.nullable().default(null).meta({ description: "without one, only conditional and CFG are drawn" }),
  guideRevision: revision.default("HEAD"),
  ...settings,
});
export type Asked = z.output<typeof asked>;

/** As the database writes it, and tells who watches. */
const uuid = z.uuid().toLowerCase();
const id = uuid.optional().meta({ description: "yours to choose: asking again with the same shows the same preview" });

export const newPreview = asked.extend({ id });
export type NewPreview = z.output<typeof newPreview>;

export const rerun = z.strictObject({ id });

const commit = z.object({ commitId: z.string(), name: z.string() });
const commitFile = commit.extend({ path: z.string() });

/** `preview.recipe`: what was asked for, and the commits it is drawn with, however repos move on. */
export const storedRecipe = z.object({
  asked,
  base: commit,
  /** `textStrength`: in the text encoders, where it is another one. */
  lowRank: z.array(commitFile.extend({ strength: z.number().default(1), textStrength: z.number().exactOptional() })),
  guide: commitFile.nullable(),
  /** What of the prompt could not be followed, in words. */
  notes: z.array(z.string()).default([]),
});
export type StoredRecipe = z.output<typeof storedRecipe>;

/** Which pictures a recipe asks for. */
export const modesOf = ({ guide }: StoredRecipe): Mode[] => modes.filter((one) => one !== "guide" || guide !== null);

/** What decides how much work a recipe is. */
export interface Drawing {
  readonly asked: Walk & Pick<Asked, "width" | "height">;
  readonly guide: object | null;
}

/** How often the base network runs for all pictures of a recipe. */
export const passesFor = ({ asked, guide }: Drawing): number =>
  modes.filter((one) => one !== "guide" || guide !== null).reduce((sum, one) => sum + passesOfMode(one, asked), 0);

const seconds = z.number();

/** `preview.timings`: of one worker, in the order of the modes. */
export const timings = z.object({
  open: seconds.meta({ description: "opening the networks, where they were not open already" }),
  pixels: z.number().optional().meta({ description: "of each picture" }),
  modes: z.partialRecord(
    mode,
    z.object({
      seconds: seconds.meta({
        description: "of the denoising loop, with reading the prompt; the first mode warms the networks up",
      }),
      step: seconds.meta({ description: "the middle one of its steps, the first left out where there are more" }),
      decode: seconds,
      passes: z.number().meta({ description: "through the base network; one step of CFG counts as two" }),
    }),
  ),
  notes: z
    .array(z.string())
    .meta({ description: "what you should know of these pictures, such as a prompt that was cut" }),
});
export type Timings = z.output<typeof timings>;

export const progress = z.object({
  mode,
  stage: z.enum(["opening", "denoising", "decoding"]),
  step: z.number(),
  steps: z.number(),
  passes: z.number(),
  modesDone: z.array(mode),
  picture: z.string().nullable().meta({
    description: "a coarse look at what is coming, one pixel for each latent, as the address data:image/png;base64,…",
  }),
});
export type Progress = z.output<typeof progress>;

const side = z.object({ repo: fullName, commit: z.string() });

const picture = z.object({
  mode,
  url: z.string(),
  width: z.number(),
  height: z.number(),
  passes: z.number(),
  seconds: seconds.meta({ description: "of the denoising loop" }),
});
export type Picture = z.output<typeof picture>;

export const previewItem = z.object({
  id: z.uuid(),
  state: jobState,
  problem: z.string().nullable().meta({ description: "why it failed" }),
  url: z.string(),
  unit: unitView.meta({ description: "what draws, part by part" }),
  finetune: side,
  guide: side.nullable(),
  ...settings,
  pictures: z.array(picture),
  isMine: z.boolean(),
  isAttached: z.boolean().meta({ description: "shown on the model's page" }),
  createdAt: z.iso.datetime(),
  finishedAt: z.iso.datetime().nullable(),
  expiresAt: z.iso.datetime().nullable().meta({ description: "when it is removed; null: it is kept" }),
});
export type PreviewItem = z.output<typeof previewItem>;

export const estimate = z.object({
  seconds: z.number().nullable().meta({ description: "until all pictures are there; null where nothing tells" }),
  why: z.string(),
});
export type Estimate = z.output<typeof estimate>;

export const forecastQuery = z.object({
  finetune: fullName,
  revision: revision.default("HEAD"),
  guide: fullName.optional().meta({ description: "left out where only conditional and CFG are to be drawn" }),
  sampler: z.enum(samplerNames).default("ddim"),
  width: z.coerce.number().pipe(pixels).optional(),
  height: z.coerce.number().pipe(pixels).optional(),
  steps: z.coerce.number().pipe(steps).default(20),
  guidanceScale: z.coerce.number().pipe(guidanceScale).default(5),
  cfgSteps: z.coerce.number().int().min(0).max(MOST_STEPS).default(0),
});
export type ForecastQuery = z.output<typeof forecastQuery>;

export const forecast = estimate.extend({
  passes: z.number().meta({ description: "through the base network, of all pictures" }),
  ahead: z.number().meta({ description: "jobs that would be begun before it" }),
  running: z.number(),
  workers: z.number(),
});
export type Forecast = z.output<typeof forecast>;

export const previewView = previewItem.extend({
  pictures: z.array(
    picture.extend({
      recipe: RecipeJson.nullable().meta({ description: "all that made it; the picture carries the same" }),
    }),
  ),
  attempt: z.number().meta({ description: "more than 1 where its worker was lost and another has taken over" }),
  queue: z
    .object({ ahead: z.number(), running: z.number(), workers: z.number(), problem: z.string().nullable() })
    .nullable()
    .meta({ description: "its place while it waits" }),
  estimate: estimate.nullable().meta({ description: "while it waits" }),
  progress: progress.nullable(),
  timings: timings.nullable(),
});
export type PreviewView = z.output<typeof previewView>;

export const previewQuery = z.object({
  ...pageQuery.shape,
  mine: z.stringbool().default(false),
  attached: z.stringbool().default(false).meta({ description: "only those that are shown on a model's page" }),
  sheet: z
    .stringbool()
    .default(false)
    .meta({ description: "those that the hub itself drew of measured pairs, which else are left out" }),
  finetune: fullName.optional(),
  guide: fullName.optional(),
});
export type PreviewQuery = z.output<typeof previewQuery>;
export const previewList = pageOf(previewItem);

export const previewParams = z.object({ id: uuid });
export const pictureParams = previewParams.extend({ mode });
export const pictureQuery = z.object({
  v: z
    .string()
    .max(64)
    .optional()
    .meta({ description: "which picture, as its address has it: it may then be kept for a minute" }),
});
export const attachment = z.strictObject({ attached: z.boolean() });
