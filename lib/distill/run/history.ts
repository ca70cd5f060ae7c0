import { z } from "zod";

const figures = z.object({ fvu: z.number(), delivered: z.number(), cosine: z.number() });

/** What a guide was worth on walks that it was not trained on. */
export const heldOutSchema = figures.extend({
  /** Steps that had been made. */
  step: z.int().min(0),
  byTimestep: z.array(figures.extend({ timestep: z.number() })),
  byGuidance: z.array(figures.extend({ guidanceScale: z.number() })),
  /** Of what it adds; none in what an older version wrote. */
  strength: z.array(z.object({ timestep: z.number(), guidanceScale: z.number(), rms: z.number() })).default([]),
});
export type HeldOut = z.infer<typeof heldOutSchema>;

/** Of work, in all sittings. */
export const secondsSchema = z.object({ states: z.number(), training: z.number() });

/** What was seen of a training, step by step. */
export interface History {
  readonly losses: readonly number[];
  readonly gradientNorms: readonly number[];
  readonly heldOut: readonly HeldOut[];
  readonly seconds: Readonly<z.infer<typeof secondsSchema>>;
}

export const emptyHistory: History = {
  losses: [],
  gradientNorms: [],
  heldOut: [],
  seconds: { states: 0, training: 0 },
};
