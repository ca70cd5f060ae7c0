import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import type { Schedule } from "../schedule.ts";
import { noiseRatios, type SigmaSpacing, sigmaSettings, sigmaSpacingOf } from "../sigmas.ts";
import { roundHalfEven } from "../timesteps.ts";
import { thresholdOf, thresholdSettings } from "./limit-clean.ts";
import { estimateClean } from "./prediction.ts";
import { multistepLevels, multistepSettings, ratioOf } from "./ratio-levels.ts";
import type { Level } from "./sampler.ts";
import { asManyAsTrained, oneEvaluationPerStep, type SamplerKind } from "./walk.ts";

/** What one name fixes, whatever the file says; null leaves it to the file. */
export interface DpmSolverChoice {
  readonly sigmaSpacing: SigmaSpacing | null;
  /** Whether a step adds noise of its own. */
  readonly stochastic: boolean;
}

/**
 * DPM-Solver++ of several steps, Lu et al. 2022 (arXiv 2211.01095), algorithm 2, as diffusers'
 * DPMSolverMultistepScheduler with `algorithm_type` `dpmsolver++` or `sde-dpmsolver++`. From level s to t, with λ =
 * ln(α/σ) and h = λ_t − λ_s:
 *
 *   x_t = (σ_t/σ_s) · x_s + α_t · (1 − e^{−h}) · (x̂0 + ½ D)
 *   D   = (x̂0 − x̂0 of the level before) · h / (h of the step before)
 *
 * That is order 2, the usual one; a file may ask for order 1 or 3, or for the weight of Heun's rule on D. The first
 * step has no D, and so has the last, which ends at σ = 0.
 */
export const dpmSolver = (choice: DpmSolverChoice): SamplerKind => ({
  reads: [
    ...betaSettings,
    ...thresholdSettings,
    ...multistepSettings,
    ...(choice.sigmaSpacing ? (["sigmaMin", "sigmaMax"] as const) : ([...sigmaSettings, "luLambdas"] as const)),
    "solverOrder",
    "solverType",
    "lowerOrderFinal",
    "eulerAtFinal",
    "lambdaMin",
    "varianceType",
  ],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, predictionType } = schedule;
    const alphaBars = alphaBarsOf(schedule, plainBetas, "finite");
    const { levels, end } = multistepLevels(schedule, alphaBars, {
      steps,
      sigmaSpacing: choice.sigmaSpacing ?? sigmaSpacingOf(schedule, ["karras", "lu", "exponential", "beta"]),
      lastTimestep: lastTimestepOf(schedule, alphaBars),
      wholeTimestep: wholeTimestepOf(schedule, choice),
      spreadEnd: "trained",
    });
    const limit = thresholdOf(schedule);
    const count = levels.length;
    const heun = settings.solverType === "heun";
    const maxOrder = settings.solverOrder ?? 2;
    const fewSteps = (settings.lowerOrderFinal ?? true) && count < 15;
    const firstOrderLast = settings.eulerAtFinal === true || fewSteps || settings.finalSigma !== "sigma_min";
    const orderOf = (index: number, known: number): number => {
      if (index === count - 1 && firstOrderLast) return 1;
      return Math.min(index === count - 2 && fewSteps ? 2 : 3, maxOrder, known);
    };
    return {
      levels,
      ...oneEvaluationPerStep,
      startScale: 1,
      begin: () => {
        const before: FloatTensor[] = []; // x̂0 of the last three levels, newest first
        return (latents, prediction, index, drawNoise) => {
          const estimate = estimateClean(prediction, latents, levels[index]!, predictionType);
          before.unshift(limit ? limit(estimate) : estimate);
          before.length = Math.min(before.length, 3);
          const order = orderOf(index, before.length);
          const path = [levels[index + 1] ?? end, ...levels.slice(index - order + 1, index + 1).toReversed()];
          const weights = weightsOf(path, heun, choice.stochastic);
          const noise = choice.stochastic ? drawNoise() : null;
          const values = latents.data.map((x, i) => {
            let value = weights.latents * x;
            for (let k = 0; k < order; k++) value += weights.clean[k]! * before[k]!.data[i]!;
            return noise ? value + weights.noise * noise.data[i]! : value;
          });
          return tensor(values, latents.shape);
        };
      },
    };
  },
});

/** A step as a sum: of the latents, of x̂0 at this level and at those before, and of new noise. */
interface Weights {
  readonly latents: number;
  /** Newest first; as many as the order. */
  readonly clean: readonly number[];
  readonly noise: number;
}

/**
 * @param path  the level to go to, this level, and those before, newest first: one more than the order
 * @param heun  Heun's rule in place of the midpoint's, at order 2
 */
function weightsOf(path: readonly Level[], heun: boolean, stochastic: boolean): Weights {
  const [to, from] = [path[0]!, path[1]!];
  const strides = path.slice(1).map((level, i) => Math.log(ratioOf(level) / ratioOf(path[i]!))); // h, h before, …
  const h = strides[0]!;
  const scale = stochastic ? 2 : 1;
  const decay = Math.exp(-scale * h);
  const gain = to.alpha * (1 - decay);
  const latents = (to.sigma / from.sigma) * (stochastic ? Math.exp(-h) : 1);
  const noise = stochastic ? to.sigma * Math.sqrt(1 - decay) : 0;
  if (path.length === 2) return { latents, clean: [gain], noise };
  const first = to.alpha * ((decay - 1) / (scale * h) + 1);
  if (path.length === 3) {
    const slope = ((heun ? first : gain / 2) * h) / strides[1]!;
    return { latents, clean: [gain + slope, -slope], noise };
  }
  // D1_0 = (m0 − m1)/r0, D1_1 = (m1 − m2)/r1; D1 = D1_0 + r0 (D1_0 − D1_1)/(r0 + r1), D2 = (D1_0 − D1_1)/(r0 + r1)
  const [r0, r1] = [strides[1]! / h, strides[2]! / h];
  const half = stochastic ? -0.5 : 0.5; // the signs are theirs
  const second = to.alpha * ((1 - decay - scale * h) / (scale * h) ** 2 + half);
  const onDifference = (first * r0 + second) / (r0 + r1);
  const newer = (first + onDifference) / r0;
  const older = -onDifference / r1;
  return { latents, clean: [gain + newer, older - newer, -older], noise };
}

/** λ below `lambda_min_clipped` is left out: the number of timesteps that remain. */
function lastTimestepOf({ settings, trainTimesteps }: Schedule, alphaBars: Float32Array): number {
  const lambdaMin = settings.lambdaMin ?? Number.NEGATIVE_INFINITY;
  const below = noiseRatios(alphaBars).filter((ratio) => -Math.log(ratio) < lambdaMin).length;
  return trainTimesteps - below;
}

/** diffusers rounds the timesteps of Karras' and Lu's levels, but not over a cosine; what is not rounded is cut. */
function wholeTimestepOf({ settings }: Schedule, choice: DpmSolverChoice): (timestep: number) => number {
  const rounds = choice.sigmaSpacing === "karras" || settings.karrasSigmas === true || settings.luLambdas === true;
  return rounds && settings.betaSchedule !== "squaredcos_cap_v2" ? roundHalfEven : Math.trunc;
}
