import { z } from "zod";
import { fullName } from "#lib/catalog/repos/schema.ts";
import { samplerNames } from "#lib/sampler-names.ts";

const revision = z.string().max(255).optional();

/** The studio's address: everything that a preview is asked for. What it does not say is chosen for the model. */
export const studioQuery = z.object({
  finetune: fullName.optional(),
  revision,
  guide: z.union([z.literal("none"), fullName]).optional(),
  guideRevision: revision,
  prompt: z.string().max(2000).optional(),
  negativePrompt: z.string().max(2000).optional(),
  seed: z.coerce.number().int().min(0).optional(),
  steps: z.coerce.number().int().min(1).max(100).optional(),
  guidance: z.coerce.number().min(1).max(20).optional(),
  cfgSteps: z.coerce.number().int().min(0).max(100).optional(),
  sampler: z.enum(samplerNames).optional(),
});
export type StudioQuery = z.output<typeof studioQuery>;
