import { AppError } from "#lib/errors.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { alphaBarsOf, betaSettings, plainBetas } from "../betas.ts";
import type { Schedule } from "../schedule.ts";
import { roundHalfEven, timestepGrid } from "../timesteps.ts";
import { cleanOf, mapPairs, noiseOf } from "./prediction.ts";
import type { Level } from "./sampler.ts";
import { trainedLevels } from "./trained-levels.ts";
import { asManyAsTrained, type SamplerKind, type Step, type Walk } from "./walk.ts";

/**
 * PNDM, Liu et al. 2022 (arXiv 2202.09778), as diffusers' PNDMScheduler: DDIM's step by a mean of this output and up to
 * three before (eq. 12). It warms up by asking the network twice for the first step (PLMS, `skip_prk_steps`), or else
 * by three steps of Runge-Kutta, each of four evaluations. A velocity is averaged as it is and turned into ε̂ where the
 * step is made. A zero terminal SNR is not among the settings that it knows. Theirs refuses a network that predicts x0;
 * here that is turned into ε̂ at once.
 *
 * A walk that begins at a picture counts its evaluations from there, as theirs does, so its warm-up may meet other
 * timesteps.
 */
export const pndm: SamplerKind = {
  reads: [...betaSettings, "finalAlphaIsOne", "timestepSpacing", "stepsOffset", "skipRungeKutta"],
  mostSteps: asManyAsTrained,
  walk(schedule, steps) {
    const { settings, trainTimesteps } = schedule;
    const alphaBars = alphaBarsOf(schedule, plainBetas, "ignored");
    const { at } = trainedLevels(schedule, alphaBars, settings.finalAlphaIsOne ?? false);
    const timesteps = timestepGrid({
      trainTimesteps,
      spacing: settings.timestepSpacing ?? "leading",
      count: steps,
      offset: settings.stepsOffset ?? 0,
    }).map(roundHalfEven);
    const plan: Plan = { timesteps, stride: Math.floor(trainTimesteps / steps), at, ...outputRules(schedule) };
    return settings.skipRungeKutta === true ? multistepWalk(plan) : rungeKuttaWalk(plan);
  },
};

interface Plan extends OutputRules {
  /** One for each step, noisiest first. */
  readonly timesteps: readonly number[];
  /** What a step goes down. */
  readonly stride: number;
  readonly at: (timestep: number) => Level;
}

function multistepWalk({ timesteps, stride, at, outputOf, move }: Plan): Walk {
  const levels = [...timesteps.slice(0, 2), ...timesteps.slice(1)].map(at);
  const begin = (): Step => {
    const outputs: FloatTensor[] = []; // newest first
    let first: FloatTensor | null = null;
    let count = 0;
    return (latents, prediction, index) => {
      const level = levels[index]!;
      const output = outputOf(prediction, latents, level);
      if (count++ === 1) {
        const mean = combine([output, outputs[0]!], [1 / 2, 1 / 2]);
        return move(first!, mean, at(level.timestep + stride), level);
      }
      first ??= latents;
      return move(latents, multistepMean(outputs, output), level, at(level.timestep - stride));
    };
  };
  return { levels, startScale: 1, begin, firstOf: (step) => step, stepOf: (n) => Math.max(n - 1, 0) };
}

const RUNGE_KUTTA_STEPS = 3;
const RUNGE_KUTTA_WEIGHTS = [1 / 6, 1 / 3, 1 / 3, 1 / 6];

function rungeKuttaWalk({ timesteps, stride, at, outputOf, move }: Plan): Walk {
  const half = Math.floor(stride / 2);
  if (timesteps.length <= RUNGE_KUTTA_STEPS) {
    throw new AppError(
      "bad_request",
      `With this model pndm warms up for ${RUNGE_KUTTA_STEPS} steps ("skip_prk_steps" is off) and needs one more; ` +
        "ask for 4 steps or more.",
      { steps: timesteps.length },
    );
  }
  const warmUp = timesteps
    .slice(1, RUNGE_KUTTA_STEPS + 1)
    .flatMap((below, k) => [k === 0 ? timesteps[0]! : timesteps[k]!, below + half, below + half, below]);
  const levels = [...warmUp, ...timesteps.slice(RUNGE_KUTTA_STEPS)].map(at);
  const begin = (): Step => {
    const outputs: FloatTensor[] = [];
    let step: FloatTensor[] = []; // the outputs of this Runge-Kutta step
    let first: FloatTensor | null = null;
    let count = 0;
    return (latents, prediction, index) => {
      const level = levels[index]!;
      const output = outputOf(prediction, latents, level);
      const part = count % 4;
      if (count >= warmUp.length)
        return move(latents, multistepMean(outputs, output), level, at(level.timestep - stride));
      if (part === 0) {
        [first, step] = [latents, []];
        outputs.unshift(output);
      }
      step.push(output);
      const from = at(warmUp[count - part]!);
      const to = part % 2 === 0 ? at(level.timestep - half) : level;
      count++;
      return move(first!, part === 3 ? combine(step, RUNGE_KUTTA_WEIGHTS) : output, from, to);
    };
  };
  const stepOf = (n: number): number => (n < warmUp.length ? Math.floor(n / 4) : n - warmUp.length + RUNGE_KUTTA_STEPS);
  return { levels, startScale: 1, begin, firstOf: (step) => step, stepOf };
}

const MULTISTEP_WEIGHTS = [
  [1],
  [3 / 2, -1 / 2],
  [23 / 12, -16 / 12, 5 / 12],
  [55 / 24, -59 / 24, 37 / 24, -9 / 24],
] as const;

/** Remembers the newest output among up to four, and weighs them as Adams and Bashforth do. */
function multistepMean(outputs: FloatTensor[], newest: FloatTensor): FloatTensor {
  outputs.unshift(newest);
  outputs.length = Math.min(outputs.length, MULTISTEP_WEIGHTS.length);
  return combine(outputs, MULTISTEP_WEIGHTS[outputs.length - 1]!);
}

interface OutputRules {
  /** What is averaged. */
  readonly outputOf: (prediction: FloatTensor, latents: FloatTensor, level: Level) => FloatTensor;
  /** DDIM's step from a level to another by an averaged output. */
  readonly move: (latents: FloatTensor, output: FloatTensor, from: Level, to: Level) => FloatTensor;
}

function outputRules({ predictionType }: Schedule): OutputRules {
  const averaged = predictionType === "sample" ? "epsilon" : predictionType;
  return {
    outputOf: (prediction, latents, level) =>
      predictionType === "sample"
        ? mapPairs(prediction, latents, (clean, x) => noiseOf.sample(clean, x, level))
        : prediction,
    move: (latents, output, from, to) =>
      mapPairs(output, latents, (value, x) => {
        const noise = noiseOf[averaged](value, x, from);
        return to.alpha * cleanOf.epsilon(noise, x, from) + to.sigma * noise;
      }),
  };
}

function combine(parts: readonly FloatTensor[], weights: readonly number[]): FloatTensor {
  const values = parts[0]!.data.map((_, i) => parts.reduce((sum, part, k) => sum + weights[k]! * part.data[i]!, 0));
  return tensor(values, parts[0]!.shape);
}
