import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import type { PredictionType } from "../schedule.ts";

export type SamplerName = "ddim" | "dpmpp-2m";

/** A noise level at which the network is asked: latents = alpha·x0 + sigma·ε, with alpha² + sigma² = 1. */
export interface Level {
  /** What the network is told, 0 … T − 1. */
  readonly timestep: number;
  readonly alpha: number;
  readonly sigma: number;
}

/** A deterministic walk from noise of unit variance down to latents, one level after the other. */
export interface Sampler {
  readonly name: SamplerName;
  /** Noisiest first, one for each step. */
  readonly levels: readonly Level[];
  /**
   * Latents at level `stepIndex` → latents at the next; the last step arrives at the end. Steps go in order; step 0 starts afresh.
   *
   * @param latents          [B, C, H, W]
   * @param noisePrediction  same shape; ε̂ after guidance
   * @returns new latents; the inputs are left as they were
   */
  step(latents: FloatTensor, noisePrediction: FloatTensor, stepIndex: number): FloatTensor;
}

/**
 * The network's own output → ε̂ at that level. From v it is ε̂ = α·v̂ + σ·x: Salimans & Ho 2022 (arXiv 2202.00512), appendix D.
 *
 * @param prediction  ε̂ or v̂, after guidance; same shape as `latents`
 */
export function toNoise(
  prediction: FloatTensor,
  latents: FloatTensor,
  { alpha, sigma }: Level,
  predictionType: PredictionType,
): FloatTensor {
  if (predictionType === "epsilon") return prediction;
  return tensor(
    prediction.data.map((v, i) => alpha * v + sigma * latents.data[i]!),
    prediction.shape,
  );
}
