import { z } from "zod";
import { planSchema } from "./plan-schema.ts";
import { heldOutSchema } from "./run/history.ts";

/** A picture of a prompt that is held out, 8-bit RGB row by row. */
const sampleSchema = z.object({
  /** After so many steps; 0 for CFG. */
  step: z.int().min(0),
  position: z.int().min(0),
  mode: z.enum(["guide", "cfg"]),
  prompt: z.string(),
  picture: z.object({
    width: z.int().min(1),
    height: z.int().min(1),
    rgb: z.custom<Uint8Array>((value) => value instanceof Uint8Array),
  }),
});
export type Sample = z.infer<typeof sampleSchema>;

/** Where a run stands. */
export const progressSchema = z.object({
  stage: z.enum(["states", "training", "held-out"]),
  done: z.int().min(0),
  total: z.int().min(1),
  /** Until its guide is written; null while nothing says. */
  secondsLeft: z.number().nullable(),
  /** What it will cost, said once and before all else. */
  plan: planSchema.exactOptional(),
  /** Of the last step, once there was one; the rest where it was measured. */
  figures: z
    .object({
      loss: z.number(),
      stepsPerSecond: z.number(),
      fvu: z.number().nullable(),
      delivered: z.number().nullable(),
    })
    .exactOptional(),
  /** What is held out, said once when it was measured. */
  look: heldOutSchema.exactOptional(),
  /** Pictures that the guide draws by then, and once those of CFG beside them. */
  samples: z.array(sampleSchema).exactOptional(),
});
export type DistillProgress = z.infer<typeof progressSchema>;

/** Hears of each piece of work when it is done; it may wait, and it may throw to stop the run. */
export type Tell = (progress: DistillProgress) => Promise<void>;
