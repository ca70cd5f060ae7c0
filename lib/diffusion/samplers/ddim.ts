import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { type Schedule, timestepGrid } from "../schedule.ts";
import type { Level, Sampler } from "./sampler.ts";

/**
 * DDIM with η = 0, Song et al. 2021 (arXiv 2010.02502), eq. 12:
 *
 *   x′ = √ᾱ′ · x̂0 + √(1−ᾱ′) · ε̂        x̂0 = (x − √(1−ᾱ) · ε̂) / √ᾱ
 *
 * A step goes ⌊T / steps⌋ timesteps down, and to `finalAlphaBar` where that is below 0. As in diffusers this is not quite the next
 * level where the grid is `linspace`, or `trailing` with a number of steps that does not divide T.
 */
export function ddim(schedule: Schedule, steps: number): Sampler {
  const { alphaBars, finalAlphaBar } = schedule;
  const stride = Math.floor(alphaBars.length / steps);
  const levels = timestepGrid(schedule, schedule.timestepSpacing ?? "leading", steps).map((timestep) =>
    levelAt(timestep, alphaBars[timestep]!),
  );

  const step = (latents: FloatTensor, noisePrediction: FloatTensor, stepIndex: number): FloatTensor => {
    const level = levels[stepIndex]!;
    const timestep = level.timestep - stride;
    const next = levelAt(timestep, timestep < 0 ? finalAlphaBar : alphaBars[timestep]!);
    const values = latents.data.map((x, i) => {
      const noise = noisePrediction.data[i]!;
      const x0 = (x - level.sigma * noise) / level.alpha;
      return next.alpha * x0 + next.sigma * noise;
    });
    return tensor(values, latents.shape);
  };
  return { name: "ddim", levels, step };
}

const levelAt = (timestep: number, alphaBar: number): Level => ({
  timestep,
  alpha: Math.sqrt(alphaBar),
  sigma: Math.sqrt(1 - alphaBar),
});
