import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { roundHalfEven, timestepGrid } from "../timesteps.ts";
import { clipOf, clipSettings, thresholdOf, thresholdSettings } from "./limit-clean.ts";
import { cleanOf, estimateClean, noiseOf } from "./prediction.ts";
import { trainedLevels } from "./trained-levels.ts";
import { asManyAsTrained, oneEvaluationPerStep, type SamplerKind } from "./walk.ts";

/**
 * DDIM with η = 0, Song et al. 2021 (arXiv 2010.02502), eq. 12:
 *
 *   x′ = √ᾱ′ · x̂0 + √(1−ᾱ′) · ε̂        x̂0 = (x − √(1−ᾱ) · ε̂) / √ᾱ
 *
 * A step goes ⌊T / steps⌋ timesteps down, and to the final level where that is below 0. As in diffusers' DDIMScheduler
 * this is not quite the next level where the grid is `linspace`, or `trailing` with a number of steps that does not
 * divide T; and clipping x̂0 leaves ε̂ as it was.
 */
export const ddim: SamplerKind = {
  reads: [...betaSettings, ...clipSettings, ...thresholdSettings, "finalAlphaIsOne", "timestepSpacing", "stepsOffset"],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, trainTimesteps, predictionType } = schedule;
    const { at } = trainedLevels(
      schedule,
      alphaBarsOf(schedule, plainBetas, "exact"),
      settings.finalAlphaIsOne ?? true,
    );
    const stride = Math.floor(trainTimesteps / steps);
    const levels = timestepGrid({
      trainTimesteps,
      spacing: settings.timestepSpacing ?? "leading",
      count: steps,
      offset: settings.stepsOffset ?? 0,
    }).map((timestep) => at(roundHalfEven(timestep)));
    const limit = thresholdOf(schedule) ?? clipOf(schedule, true);
    return {
      levels,
      ...oneEvaluationPerStep,
      startScale: 1,
      begin: () => (latents, prediction, index) => {
        const level = levels[index]!;
        const next = at(level.timestep - stride);
        const limited = limit?.(estimateClean(prediction, latents, level, predictionType));
        const values = latents.data.map((x, i) => {
          const predicted = prediction.data[i]!;
          const x0 = limited?.data[i] ?? cleanOf[predictionType](predicted, x, level);
          return next.alpha * x0 + next.sigma * noiseOf[predictionType](predicted, x, level);
        });
        return tensor(values, latents.shape);
      },
    };
  },
};
