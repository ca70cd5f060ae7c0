import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import type { PredictionType, Schedule } from "../schedule.ts";
import { ddim } from "./ddim.ts";
import { dpmpp2m } from "./dpmpp-2m.ts";

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

const makers: Readonly<Record<SamplerName, (schedule: Schedule, steps: number) => Sampler>> = { ddim, "dpmpp-2m": dpmpp2m };

/** @param steps  a whole number from 1 to the number of training timesteps */
export function createSampler(name: SamplerName, schedule: Schedule, steps: number): Sampler {
  const most = schedule.alphaBars.length;
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    throw new AppError("bad_request", `Steps ${steps} must be a whole number from 1 to ${most}, the timesteps of the model; 20 is usual.`, { steps, most });
  }
  const sampler = makers[name](schedule, steps);
  requireFalling(sampler, schedule);
  return sampler;
}

/**
 * The network's own output → ε̂ at that level. From v it is ε̂ = α·v̂ + σ·x: Salimans & Ho 2022 (arXiv 2202.00512), appendix D.
 *
 * @param prediction  ε̂ or v̂, after guidance; same shape as `latents`
 */
export function toNoise(prediction: FloatTensor, latents: FloatTensor, { alpha, sigma }: Level, predictionType: PredictionType): FloatTensor {
  if (predictionType === "epsilon") return prediction;
  return tensor(prediction.data.map((v, i) => alpha * v + sigma * latents.data[i]!), prediction.shape);
}

/** Grids of nearly as many steps as timesteps, or with a large offset, may repeat a timestep or leave the schedule. */
function requireFalling({ levels }: Sampler, { timestepSpacing, stepsOffset }: Schedule): void {
  if (levels.every(({ sigma }, i) => sigma < (levels[i - 1]?.sigma ?? Number.POSITIVE_INFINITY))) return;
  const grid = `timestep_spacing ${timestepSpacing ?? "not set"}, steps_offset ${stepsOffset}`;
  throw new AppError("bad_request", `${levels.length} steps do not fit the noise schedule of this model (${grid}); ask for fewer.`, { steps: levels.length });
}
