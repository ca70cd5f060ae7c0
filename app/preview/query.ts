import { z } from "zod";
import {
  MOST_CLIP_SKIP,
  MOST_GUIDANCE,
  MOST_GUIDE_STRENGTH,
  MOST_STEPS,
  MOST_STRENGTH,
} from "#lib/catalog/previews/limits.ts";
import { fullName } from "#lib/catalog/repo-name.ts";
import { parseSeed } from "#lib/picture/seed.ts";
import { promptSyntaxes } from "#lib/prompt/read-prompt.ts";
import { samplerNames } from "#lib/sampler-names.ts";

const side = z.coerce.number().int().min(1).max(99_999).optional();
const revision = z.string().max(255).optional();

/** The studio's address: everything that a preview is asked for. What it does not say is chosen for the model. */
export const studioQuery = z.object({
  finetune: fullName.optional(),
  revision,
  guide: z.union([z.literal("none"), fullName]).optional(),
  guideRevision: revision,
  prompt: z.string().max(2000).optional(),
  negativePrompt: z.string().max(2000).optional(),
  promptSyntax: z.enum(promptSyntaxes).optional(),
  seed: z
    .string()
    .refine((text) => (parseSeed(text) ?? -1n) >= 0n)
    .optional(),
  /** “custom” comes from the form, with its two sides. */
  size: z
    .string()
    .regex(/^(custom|\d{1,5}x\d{1,5})$/)
    .optional(),
  width: side,
  height: side,
  steps: z.coerce.number().int().min(1).max(MOST_STEPS).optional(),
  guidance: z.coerce.number().min(1).max(MOST_GUIDANCE).optional(),
  guidanceRescale: z.coerce.number().min(0).max(1).optional(),
  cfgSteps: z.coerce.number().int().min(0).max(MOST_STEPS).optional(),
  guideStrength: z.coerce.number().min(0).max(MOST_GUIDE_STRENGTH).optional(),
  clipSkip: z.coerce.number().int().min(0).max(MOST_CLIP_SKIP).optional(),
  loraStrength: z.coerce.number().min(-MOST_STRENGTH).max(MOST_STRENGTH).optional(),
  sampler: z.enum(samplerNames).optional(),
});
export type StudioQuery = z.output<typeof studioQuery>;
