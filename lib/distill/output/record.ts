import { z } from "zod";
import { baseSchema } from "../base-schema.ts";
import { planSchema } from "../plan-schema.ts";
import { recipeSchema } from "../recipe.ts";
import { heldOutSchema, secondsSchema } from "../run/history.ts";

/** How a guide came to be: `record.json` beside it, for programs. */
export const recordSchema = z.object({
  format: z.literal("guidepost-distilled/1"),
  guidepost: z.string(),
  /** Its files as they were when the run began, and were found to be in the end. */
  base: baseSchema
    .pick({ name: true, sha256: true, files: true })
    .extend({ sha256After: z.string(), parameters: z.int(), trainable: z.literal(0) }),
  guide: planSchema.shape.guide.extend({ sha256: z.string(), share: z.number() }),
  recipe: recipeSchema,
  recipeSha256: z.string(),
  states: z.object({ count: z.int(), passes: z.int() }),
  /** Of work, in all sittings. */
  seconds: secondsSchema,
  runtime: z.object({
    name: z.string(),
    version: z.string(),
    provider: z.string(),
    precision: z.string(),
    threads: z.int(),
  }),
  /** The last look at walks that were held out. */
  heldOut: heldOutSchema,
});
export type DistillRecord = z.infer<typeof recordSchema>;
