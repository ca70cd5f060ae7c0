import { tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import { eulerLevels, eulerSettings } from "./euler-levels.ts";
import { noiseOf } from "./prediction.ts";
import { ratioOf } from "./ratio-levels.ts";
import { asManyAsTrained, oneEvaluationPerStep, type SamplerKind } from "./walk.ts";

/**
 * Euler's method with as much new noise as an ancestral step adds, as diffusers' EulerAncestralDiscreteScheduler. With
 * s = σ/α:
 *
 *   x′/α′ = x/α + (s_down − s) · ε̂ + s_up · noise        s_up² = s′² (s² − s′²) / s²,  s_down² = s′² − s_up²
 *
 * It knows no other spread of levels than that of timesteps. Theirs refuses a network that predicts x0; here it is read
 * as Euler does.
 */
export const eulerAncestral: SamplerKind = {
  reads: [...betaSettings, ...eulerSettings],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, predictionType } = schedule;
    const alphaBars = alphaBarsOf(schedule, plainBetas, "finite");
    const unspread = { ...schedule, settings: { ...settings, interpolation: null, finalSigma: null } };
    const { levels, end, startScale } = eulerLevels(unspread, alphaBars, steps, null);
    return {
      levels,
      ...oneEvaluationPerStep,
      startScale,
      begin: () => (latents, prediction, index, drawNoise) => {
        const level = levels[index]!;
        const next = levels[index + 1] ?? end;
        const [from, to] = [ratioOf(level), ratioOf(next)];
        const up = Math.sqrt((to ** 2 * (from ** 2 - to ** 2)) / from ** 2);
        const down = Math.sqrt(to ** 2 - up ** 2);
        const noise = drawNoise();
        const values = latents.data.map((x, i) => {
          const predicted = noiseOf[predictionType](prediction.data[i]!, x, level);
          return next.alpha * (x / level.alpha + (down - from) * predicted + up * noise.data[i]!);
        });
        return tensor(values, latents.shape);
      },
    };
  },
};
