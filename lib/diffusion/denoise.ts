import { AppError } from "#lib/errors.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { allFinite, type FloatTensor } from "#lib/tensor/tensor.ts";
import { type GuidancePlan, type GuidedNetworks, modeOfStep, passesOf, predictGuided, type Texts } from "./guidance.ts";
import { createSampler } from "./samplers/create-sampler.ts";
import { estimateClean } from "./samplers/prediction.ts";
import { noNoise, type NoiseSource } from "./samplers/sampler.ts";
import type { Schedule } from "./schedule.ts";

export interface DenoiseRequest {
  readonly plan: GuidancePlan;
  readonly schedule: Schedule;
  readonly sampler: SamplerName;
  readonly steps: number;
  /** [B, C, H, W], unit variance. */
  readonly noise: FloatTensor;
  /** What the sampler draws from after `noise`; may be left out where it adds none of its own. */
  readonly drawNoise?: NoiseSource;
  /** The picture to begin at; without one, the walk begins at noise alone. */
  readonly picture?: PictureStart;
  readonly texts: Texts;
}

export interface PictureStart {
  /** [B, C, H, W], as the VAE's encoder gives it, scaled. */
  readonly latents: FloatTensor;
  /** Above 0 to 1: the share of the steps that is made. */
  readonly strength: number;
}

/** Where the loop stands after a step. */
export interface DenoiseStep {
  /** Steps done, 1 … steps. */
  readonly done: number;
  /** Those that are made: fewer than were asked for where the walk begins at a picture. */
  readonly steps: number;
  /** Passes through the base so far. */
  readonly passes: number;
  /** [B, C, H, W], α·x0 + σ·ε with α² + σ² = 1, whatever the sampler; after the last step, what the VAE decodes. */
  readonly latents: FloatTensor;
  /** What the finished latents look like from here: x̂₀ = (x − σ·ε̂) / α. */
  readonly estimate: FloatTensor;
}

/** From noise to latents, a step at a time; the caller decides how far, and may stop between any two. */
export async function* denoise(networks: GuidedNetworks, request: DenoiseRequest): AsyncGenerator<DenoiseStep, void> {
  const { plan, schedule, texts, picture, drawNoise = noNoise } = request;
  const sampler = createSampler(request.sampler, schedule, request.steps, picture);
  const { steps, evaluations } = sampler;
  let latents = sampler.start(request.noise, picture?.latents);
  let passes = 0;
  for (const [n, level] of evaluations.entries()) {
    const mode = modeOfStep(plan, level.step);
    const prediction = await predictGuided(networks, plan, mode, latents, level.timestep, texts);
    if (!allFinite(prediction)) {
      throw new AppError("not_finite", `The prediction at step ${level.step + 1} of ${steps} is not a number.`, {
        stepIndex: level.step,
        timestep: level.timestep,
      });
    }
    const estimate = estimateClean(prediction, latents, level, schedule.predictionType);
    latents = sampler.step(latents, prediction, n, drawNoise);
    passes += passesOf[mode];
    const isStepDone = evaluations[n + 1]?.step !== level.step;
    if (isStepDone) yield { done: level.step + 1, steps, passes, latents, estimate };
  }
}
