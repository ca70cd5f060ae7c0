import { AppError } from "#lib/errors.ts";
import { allFinite, type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { type GuidancePlan, type GuidedNetworks, modeOfStep, passesOf, predictGuided, type Texts } from "./guidance.ts";
import { createSampler } from "./samplers/create-sampler.ts";
import { type SamplerName, toNoise } from "./samplers/sampler.ts";
import type { Schedule } from "./schedule.ts";

export interface DenoiseRequest {
  readonly plan: GuidancePlan;
  readonly schedule: Schedule;
  readonly sampler: SamplerName;
  readonly steps: number;
  /** [B, C, H, W], unit variance. */
  readonly noise: FloatTensor;
  readonly texts: Texts;
}

/** Where the loop stands after a step. */
export interface DenoiseStep {
  /** Steps done, 1 … steps. */
  readonly done: number;
  readonly steps: number;
  /** Passes through the base so far. */
  readonly passes: number;
  /** [B, C, H, W], scaled. */
  readonly latents: FloatTensor;
  /** What the finished latents look like from here: x̂₀ = (x − σ·ε̂) / α. */
  readonly estimate: FloatTensor;
}

/** From noise to latents, a step at a time; the caller decides how far, and may stop between any two. */
export async function* denoise(networks: GuidedNetworks, request: DenoiseRequest): AsyncGenerator<DenoiseStep, void> {
  const { plan, schedule, steps, texts } = request;
  const sampler = createSampler(request.sampler, schedule, steps);
  let latents = request.noise;
  let passes = 0;
  for (const [stepIndex, level] of sampler.levels.entries()) {
    const mode = modeOfStep(plan, stepIndex);
    const prediction = await predictGuided(networks, plan, mode, latents, level.timestep, texts);
    if (!allFinite(prediction)) {
      throw new AppError("not_finite", `The prediction at step ${stepIndex + 1} of ${steps} is not a number.`, {
        stepIndex,
        timestep: level.timestep,
      });
    }
    const noisePrediction = toNoise(prediction, latents, level, schedule.predictionType);
    const estimate = tensor(
      latents.data.map((x, i) => (x - level.sigma * noisePrediction.data[i]!) / level.alpha),
      latents.shape,
    );
    latents = sampler.step(latents, noisePrediction, stepIndex);
    passes += passesOf[mode];
    yield { done: stepIndex + 1, steps, passes, latents, estimate };
  }
}
