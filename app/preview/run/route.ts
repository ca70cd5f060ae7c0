import { newPreview } from "#lib/catalog/previews/schema.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { formRoute } from "#lib/http/form.ts";
import * as operations from "#lib/http/operations/previews.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";
import { z } from "zod";
import { parseSizeText } from "../address.ts";

const number = z.string().transform((text) => (text.trim() === "" ? NaN : Number(text)));

/** The studio's form, where every number is text. */
const form = z
  .object({
    finetune: z.string(),
    revision: z.string().optional(),
    guide: z.string(),
    guideRevision: z.string().optional(),
    prompt: z.string(),
    negativePrompt: z.string(),
    promptSyntax: z.enum(promptSyntaxes),
    seed: z.string().trim(),
    size: z.string(),
    width: z.string().optional(),
    height: z.string().optional(),
    steps: number,
    guidance: number,
    guidanceRescale: number,
    cfgSteps: number,
    guideStrength: number.default(1),
    sampler: z.enum(samplerNames),
    clipSkip: number,
    loraStrength: number.optional(),
  })
  .transform(
    ({
      guide,
      guidance,
      prompt,
      negativePrompt,
      revision,
      guideRevision,
      size,
      width,
      height,
      ...rest
    }): z.input<typeof newPreview> => ({
      ...rest,
      ...(size !== "" && (size === "custom" ? { width: Number(width), height: Number(height) } : parseSizeText(size))),
      prompt: oneLine(prompt),
      negativePrompt: oneLine(negativePrompt) || null,
      guide: guide === "none" ? null : guide,
      ...(revision && { revision }),
      ...(guideRevision && { guideRevision }),
      guidanceScale: guidance,
    }),
  );

/** A form sends line breaks; a prompt has none. */
const oneLine = (text: string): string => text.replaceAll(/\s+/g, " ").trim();

export const POST = formRoute({
  does: operations.createPreview,
  page: "/preview",
  schema: form.pipe(newPreview),
  kept: [],
  inAddress: [
    "finetune",
    "revision",
    "guide",
    "guideRevision",
    "prompt",
    "negativePrompt",
    "promptSyntax",
    "seed",
    "size",
    "width",
    "height",
    "steps",
    "guidance",
    "guidanceRescale",
    "cfgSteps",
    "guideStrength",
    "sampler",
    "clipSkip",
    "loraStrength",
  ],
  submit: async ({ actor, input }) => {
    const { id } = await createPreview(actor, input);
    return new Headers({ Location: `/previews/${id}` });
  },
});
