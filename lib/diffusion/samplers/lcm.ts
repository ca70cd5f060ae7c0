import { tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, type BetaDefaults, betaSettings } from "../betas.ts";
import { refusal, type Schedule } from "../schedule.ts";
import { clipOf, clipSettings, thresholdOf, thresholdSettings } from "./limit-clean.ts";
import { cleanOf, estimateClean } from "./prediction.ts";
import { trainedLevels } from "./trained-levels.ts";
import { oneEvaluationPerStep, type SamplerKind } from "./walk.ts";

const lcmBetas: BetaDefaults = { betaSchedule: "scaled_linear", betaStart: 0.00085, betaEnd: 0.012 };
const SIGMA_DATA = 0.5;

const distilledStepsOf = ({ settings }: Schedule): number => settings.distilledSteps ?? 50;

/**
 * Sampling of a latent consistency model, Luo et al. 2023 (arXiv 2310.04378), algorithm 3, as diffusers' LCMScheduler:
 * each step goes to f = c_skip·x + c_out·x̂0 and adds new noise for the next level, but after the last.
 *
 *   c_skip = σ_d² / (s² + σ_d²)        c_out = s / √(s² + σ_d²)        s = 10 · timestep, σ_d = ½
 *
 * Its timesteps are some of those that the model was distilled on, whatever the file says of spacing.
 */
export const lcm: SamplerKind = {
  reads: [
    ...betaSettings,
    ...clipSettings,
    ...thresholdSettings,
    "finalAlphaIsOne",
    "distilledSteps",
    "timestepScaling",
  ],
  mostSteps: distilledStepsOf,
  walk(schedule, steps) {
    const { settings, trainTimesteps, predictionType, file } = schedule;
    const distilledSteps = distilledStepsOf(schedule);
    if (distilledSteps > trainTimesteps) {
      throw refusal(file, `"original_inference_steps" ${distilledSteps} is more than its ${trainTimesteps} timesteps`);
    }
    const alphaBars = alphaBarsOf(schedule, lcmBetas, "exact");
    const { at } = trainedLevels(schedule, alphaBars, settings.finalAlphaIsOne ?? true);
    const stride = Math.floor(trainTimesteps / distilledSteps);
    const levels = Array.from({ length: steps }, (_, i) => {
      const skipped = Math.floor(i * (distilledSteps / steps));
      return at((distilledSteps - skipped) * stride - 1);
    });
    const scaling = settings.timestepScaling ?? 10;
    const limit = thresholdOf(schedule) ?? clipOf(schedule, false);
    return {
      levels,
      ...oneEvaluationPerStep,
      startScale: 1,
      begin: () => (latents, prediction, index, drawNoise) => {
        const level = levels[index]!;
        const next = levels[index + 1];
        const scaled = level.timestep * scaling;
        const skip = SIGMA_DATA ** 2 / (scaled ** 2 + SIGMA_DATA ** 2);
        const gain = scaled / Math.sqrt(scaled ** 2 + SIGMA_DATA ** 2);
        const limited = limit?.(estimateClean(prediction, latents, level, predictionType));
        const noise = next && drawNoise();
        const values = latents.data.map((x, i) => {
          const x0 = limited?.data[i] ?? cleanOf[predictionType](prediction.data[i]!, x, level);
          const denoised = gain * x0 + skip * x;
          return next && noise ? next.alpha * denoised + next.sigma * noise.data[i]! : denoised;
        });
        return tensor(values, latents.shape);
      },
    };
  },
};
