import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import { sigmaSettings, sigmaSpacingOf } from "../sigmas.ts";
import { eulerLevels, eulerSettings } from "./euler-levels.ts";
import { mapPairs, noiseOf } from "./prediction.ts";
import { ratioOf } from "./ratio-levels.ts";
import { asManyAsTrained, oneEvaluationPerStep, type SamplerKind } from "./walk.ts";

/**
 * Euler's method in x/α over σ/α, Karras et al. 2022 (arXiv 2206.00364), algorithm 2 without churn, as diffusers'
 * EulerDiscreteScheduler:
 *
 *   x′/α′ = x/α + (σ′/α′ − σ/α) · ε̂
 */
export const euler: SamplerKind = {
  reads: [...betaSettings, ...sigmaSettings, ...eulerSettings, "interpolation", "finalSigma", "timestepType"],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, predictionType } = schedule;
    const alphaBars = alphaBarsOf(schedule, plainBetas, "finite");
    const { levels: spaced, end, startScale } = eulerLevels(schedule, alphaBars, steps, sigmaSpacingOf(schedule));
    const byNoise = settings.timestepType === "continuous" && predictionType === "v_prediction";
    const levels = byNoise
      ? spaced.map((level) => ({ ...level, timestep: Math.fround(0.25 * Math.log(ratioOf(level))) }))
      : spaced;
    return {
      levels,
      ...oneEvaluationPerStep,
      startScale,
      begin: () => (latents, prediction, index) => {
        const level = levels[index]!;
        const next = levels[index + 1] ?? end;
        const stride = ratioOf(next) - ratioOf(level);
        return mapPairs(
          prediction,
          latents,
          (predicted, x) => next.alpha * (x / level.alpha + stride * noiseOf[predictionType](predicted, x, level)),
        );
      },
    };
  },
};
