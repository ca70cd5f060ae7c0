import { z } from "zod";

const secondsSchema = z.object({ states: z.number(), training: z.number() });
export type PlannedSeconds = z.infer<typeof secondsSchema>;

/** What a run costs, worked out from shapes before anything is opened. */
export const planSchema = z.object({
  base: z.object({ name: z.string(), parameters: z.int(), sha256: z.string() }),
  guide: z.object({
    variant: z.string(),
    widths: z.array(z.int()).readonly(),
    parameters: z.int(),
    guidance: z.tuple([z.number(), z.number()]).readonly(),
  }),
  prompts: z.object({ count: z.int(), source: z.string() }),
  /** What is drawn by the base itself, and the passes and multiply–accumulates that takes. */
  states: z.object({ walks: z.int(), count: z.int(), passes: z.int(), macs: z.number() }),
  training: z.object({ steps: z.int(), batch: z.int(), macs: z.number() }),
  /** In bytes; the budget is null where networks lie in the memory of a graphics card, of which nothing is known. */
  memory: z.object({ need: z.number(), budget: z.number().nullable() }),
  disk: z.object({ need: z.number(), free: z.number() }),
  /** By what a first pass took; null before it. */
  seconds: secondsSchema.nullable(),
});
export type Plan = z.infer<typeof planSchema>;
