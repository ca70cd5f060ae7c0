import type { PredictionType } from "#lib/families/family.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import type { Level } from "./sampler.ts";

/** One value of the network's output and of the latents it read → the same place of something else. */
type Convert = (prediction: number, x: number, level: Level) => number;

/** x̂0. From v it is α·x − σ·v̂: Salimans & Ho 2022 (arXiv 2202.00512), appendix D. */
export const cleanOf: Readonly<Record<PredictionType, Convert>> = {
  epsilon: (noise, x, { alpha, sigma }) => (x - sigma * noise) / alpha,
  v_prediction: (v, x, { alpha, sigma }) => alpha * x - sigma * v,
  sample: (clean) => clean,
};

/** ε̂. From v it is α·v̂ + σ·x. */
export const noiseOf: Readonly<Record<PredictionType, Convert>> = {
  epsilon: (noise) => noise,
  v_prediction: (v, x, { alpha, sigma }) => alpha * v + sigma * x,
  sample: (clean, x, { alpha, sigma }) => (x - alpha * clean) / sigma,
};

/** x̂0 of a whole prediction: what the finished latents look like from this level. */
export const estimateClean = (
  prediction: FloatTensor,
  latents: FloatTensor,
  level: Level,
  predictionType: PredictionType,
): FloatTensor => mapPairs(prediction, latents, (value, x) => cleanOf[predictionType](value, x, level));

/** A value for each place of two tensors of one shape. */
export const mapPairs = (a: FloatTensor, b: FloatTensor, of: (a: number, b: number) => number): FloatTensor =>
  tensor(
    a.data.map((value, i) => of(value, b.data[i]!)),
    a.shape,
  );
