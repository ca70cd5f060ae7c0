import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, type BetaDefaults, betaSettings } from "../betas.ts";
import { sigmaSettings, sigmaSpacingOf } from "../sigmas.ts";
import { eulerLevels, eulerSettings } from "./euler-levels.ts";
import { clipOf, clipSettings } from "./limit-clean.ts";
import { estimateClean, mapPairs, noiseOf } from "./prediction.ts";
import { ratioOf } from "./ratio-levels.ts";
import type { Level } from "./sampler.ts";
import { asManyAsTrained, type SamplerKind, type Step } from "./walk.ts";

const heunBetas: BetaDefaults = { betaSchedule: "linear", betaStart: 0.00085, betaEnd: 0.012, knowsExp: true };

/**
 * Heun's method in x/α over σ/α, Karras et al. 2022 (arXiv 2206.00364), algorithm 1, as diffusers'
 * HeunDiscreteScheduler. A step goes to the next level as Euler's does, asks the network again there, and goes once
 * more from where it began, by the mean of both ε̂. The last step is Euler's. A zero terminal SNR is not among the
 * settings that it knows.
 */
export const heun: SamplerKind = {
  reads: [...betaSettings, ...sigmaSettings, ...eulerSettings, ...clipSettings],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, predictionType } = schedule;
    const unspread = { ...schedule, settings: { ...settings, interpolation: null, finalSigma: null } };
    const alphaBars = alphaBarsOf(schedule, heunBetas, "ignored");
    const { levels: spaced, end, startScale } = eulerLevels(unspread, alphaBars, steps, sigmaSpacingOf(schedule));
    const levels = spaced.flatMap((level, i) => (i === 0 ? [level] : [level, level]));
    const limit = clipOf(schedule, false);
    const noiseAt = (prediction: FloatTensor, latents: FloatTensor, level: Level): FloatTensor => {
      if (!limit) return mapPairs(prediction, latents, (p, x) => noiseOf[predictionType](p, x, level));
      const clean = limit(estimateClean(prediction, latents, level, predictionType));
      return mapPairs(clean, latents, (x0, x) => noiseOf.sample(x0, x, level));
    };
    const begin = (): Step => {
      let first: { latents: FloatTensor; noise: FloatTensor; level: Level } | null = null;
      return (latents, prediction, index) => {
        const level = levels[index]!;
        const noise = noiseAt(prediction, latents, level);
        if (first) {
          const mean = mapPairs(first.noise, noise, (a, b) => (a + b) / 2);
          const corrected = move(first.latents, mean, first.level, level);
          first = null;
          return corrected;
        }
        first = { latents, noise, level };
        return move(latents, noise, level, levels[index + 1] ?? end);
      };
    };
    return { levels, startScale, begin, firstOf: (step) => 2 * step, stepOf: (n) => Math.floor(n / 2) };
  },
};

function move(latents: FloatTensor, noise: FloatTensor, from: Level, to: Level): FloatTensor {
  const stride = ratioOf(to) - ratioOf(from);
  return tensor(
    latents.data.map((x, i) => to.alpha * (x / from.alpha + stride * noise.data[i]!)),
    latents.shape,
  );
}
