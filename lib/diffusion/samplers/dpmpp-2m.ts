import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { type Schedule, timestepGrid } from "../schedule.ts";
import type { Level, Sampler } from "./sampler.ts";

/**
 * DPM-Solver++ 2M, Lu et al. 2022 (arXiv 2211.01095), algorithm 2. From level s to t, with λ = ln(α/σ):
 *
 *   x_t = (σ_t/σ_s) · x_s + α_t · (1 − e^{−h}) · D        h = λ_t − λ_s
 *   D   = x̂0 + (x̂0 − x̂0 of the level before) / 2r         r = (λ_s − λ of the level before) / h
 *
 * The first step has D = x̂0, and so has the last, which ends at σ = 0.
 */
export function dpmpp2m(schedule: Schedule, steps: number): Sampler {
  const levels = schedule.karrasSigmas ? karrasLevels(schedule, steps) : spacedLevels(schedule, steps);
  let last = { stepIndex: -1, x0: new Float32Array() };

  const step = (latents: FloatTensor, noisePrediction: FloatTensor, stepIndex: number): FloatTensor => {
    if (stepIndex > 0 && last.stepIndex !== stepIndex - 1)
      throw new RangeError(`dpmpp-2m: step ${stepIndex} must follow step ${stepIndex - 1}`);
    const level = levels[stepIndex]!;
    const next = levels[stepIndex + 1] ?? clean;
    const x0 = latents.data.map((x, i) => (x - level.sigma * noisePrediction.data[i]!) / level.alpha);
    const decay = ratioOf(next) / ratioOf(level); // e^{−h}
    const keep = next.sigma / level.sigma;
    const gain = next.alpha * (1 - decay);
    const secondOrder = stepIndex > 0 && next !== clean;
    const before = secondOrder ? last.x0 : x0;
    const slope = secondOrder ? -Math.log(decay) / (2 * Math.log(ratioOf(levels[stepIndex - 1]!) / ratioOf(level))) : 0; // 1/2r
    last = { stepIndex, x0 };
    return tensor(
      latents.data.map((x, i) => keep * x + gain * (x0[i]! + slope * (x0[i]! - before[i]!))),
      latents.shape,
    );
  };
  return { name: "dpmpp-2m", levels, step };
}

const clean: Level = { timestep: 0, alpha: 1, sigma: 0 };

/** An even grid of one more timestep, without the cleanest: from its last level the walk goes to σ = 0. A `trailing` grid ends above 0 by itself. */
function spacedLevels(schedule: Schedule, steps: number): Level[] {
  const spacing = schedule.timestepSpacing ?? "linspace";
  const timesteps =
    spacing === "trailing"
      ? timestepGrid(schedule, spacing, steps)
      : timestepGrid(schedule, spacing, steps + 1).slice(0, -1);
  const ratios = trainedRatios(schedule);
  return timesteps.map((timestep) => levelAt(timestep, ratios[timestep]!));
}

const RHO = 7; // Karras et al., appendix D.1

/**
 * Levels with σ/α even in its ρ-th root, from the noisiest trained to the cleanest: Karras et al. 2022 (arXiv 2206.00364), eq. 5. The
 * timestep is the trained one nearest to that level.
 */
function karrasLevels(schedule: Schedule, steps: number): Level[] {
  const trained = trainedRatios(schedule);
  const logs = Array.from(trained, Math.log);
  const [from, to] = [trained.at(-1)! ** (1 / RHO), trained[0]! ** (1 / RHO)];
  return Array.from({ length: steps }, (_, i) => {
    const ratio = (from + (i / Math.max(steps - 1, 1)) * (to - from)) ** RHO;
    return levelAt(Math.round(findPlace(logs, Math.log(ratio))), Math.fround(ratio));
  });
}

/** Where `value` lies in a rising list: an index and a fraction towards the one after; beyond an end, that end. */
function findPlace(rising: readonly number[], value: number): number {
  const above = rising.findIndex((entry) => entry > value);
  if (above === 0) return 0;
  if (above < 0) return rising.length - 1;
  const [low, high] = [rising[above - 1]!, rising[above]!];
  return above - 1 + (value - low) / (high - low);
}

/** σ/α = √((1−ᾱ)/ᾱ) = e^{−λ} of each training timestep, rising; float32 as in torch. */
const trainedRatios = ({ alphaBars }: Schedule): Float32Array =>
  alphaBars.map((alphaBar) => Math.sqrt((1 - alphaBar) / alphaBar));

const ratioOf = ({ alpha, sigma }: Level): number => sigma / alpha;

function levelAt(timestep: number, ratio: number): Level {
  const alpha = 1 / Math.sqrt(ratio ** 2 + 1);
  return { timestep, alpha, sigma: ratio * alpha };
}
