import { z } from "zod";

export const baseSchema = z.object({
  name: z.string(),
  /** Where it was when the run began; it may have moved since. */
  path: z.string(),
  /** The folder of its configs, where it is a single file of another shape. */
  config: z.string().nullable(),
  /** Of its UNet's file, the first where there are shards: what a guide names its base by. */
  sha256: z.string(),
  /** Every file that decides what it predicts. */
  files: z.array(z.object({ role: z.string(), name: z.string(), sha256: z.string() })),
});

/** The frozen base of a run, as its record has it. */
export type BaseFiles = z.infer<typeof baseSchema>;
