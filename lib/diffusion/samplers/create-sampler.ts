import { AppError } from "#lib/errors.ts";
import type { SamplerName } from "#lib/sampler-names.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { requireUsable, type Schedule } from "../schedule.ts";
import { ddim } from "./ddim.ts";
import { dpmSolver } from "./dpm-solver.ts";
import { eulerAncestral } from "./euler-a.ts";
import { euler } from "./euler.ts";
import { heun } from "./heun.ts";
import { lcm } from "./lcm.ts";
import { pndm } from "./pndm.ts";
import { mapPairs } from "./prediction.ts";
import type { Evaluation, Sampler } from "./sampler.ts";
import { unipc } from "./unipc.ts";
import type { SamplerKind, Step, Walk } from "./walk.ts";

const kinds: Readonly<Record<SamplerName, SamplerKind>> = {
  ddim,
  "dpmpp-2m": dpmSolver({ sigmaSpacing: null, stochastic: false }),
  "dpmpp-2m-karras": dpmSolver({ sigmaSpacing: "karras", stochastic: false }),
  "dpmpp-2m-sde": dpmSolver({ sigmaSpacing: null, stochastic: true }),
  euler,
  "euler-a": eulerAncestral,
  heun,
  unipc,
  pndm,
  lcm,
};

export interface SamplerOptions {
  /**
   * Above 0 to 1: the share of the steps that a walk from a picture makes, counted from the end. Without it a walk
   * begins at noise.
   */
  readonly strength?: number;
}

/**
 * @param steps  a whole number from 1 to the number of training timesteps; for `lcm` to the steps it was distilled on,
 *   50
 * @throws bad_request, where so many steps or that strength do not go; unsupported_model, where the file has a setting
 *   that this sampler reads and we do not run
 */
export function createSampler(
  name: SamplerName,
  schedule: Schedule,
  steps: number,
  { strength }: SamplerOptions = {},
): Sampler {
  const kind = kinds[name];
  requireUsable(schedule, kind.reads);
  const most = kind.mostSteps(schedule);
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    const limit = name === "lcm" ? "that LCM was distilled on; 4 to 8 are usual" : "of the model; 20 is usual";
    throw new AppError(
      "bad_request",
      `Steps ${steps} must be a whole number from 1 to ${most}, the timesteps ${limit}.`,
      { steps, most },
    );
  }
  const walk = kind.walk(schedule, steps);
  const begin = strength === undefined ? 0 : walk.firstOf(firstStep(steps, strength));
  const evaluations = walk.levels.slice(begin).map((level, n): Evaluation => ({ ...level, step: walk.stepOf(n) }));
  return {
    name,
    steps: (evaluations.at(-1)?.step ?? -1) + 1,
    evaluations,
    start: (noise, picture) => startAt(evaluations[0]!, walk, noise, picture),
    step: stepsInOrder(name, walk, begin),
  };
}

/** Where a picture's walk begins, as diffusers' img2img counts: ⌊steps · strength⌋ steps are made. */
function firstStep(steps: number, strength: number): number {
  if (!(strength > 0 && strength <= 1)) {
    throw new AppError("bad_request", `Strength ${strength} must be above 0 and at most 1; 0.75 is usual.`, {
      strength,
    });
  }
  const made = Math.min(Math.floor(steps * strength), steps);
  if (made < 1) {
    throw new AppError(
      "bad_request",
      `Strength ${strength} of ${steps} steps is less than one step; raise the strength or the steps.`,
      { strength, steps },
    );
  }
  return steps - made;
}

function startAt(level: Evaluation, walk: Walk, noise: FloatTensor, picture?: FloatTensor): FloatTensor {
  if (picture) return mapPairs(picture, noise, (x0, unit) => level.alpha * x0 + level.sigma * unit);
  if (walk.startScale === 1) return noise;
  return tensor(
    noise.data.map((value) => walk.startScale * value),
    noise.shape,
  );
}

/** What a walk remembers begins with its first evaluation, and means nothing out of order. */
function stepsInOrder(name: SamplerName, walk: Walk, begin: number): Sampler["step"] {
  let take: Step | null = null;
  let due = 0;
  return (latents, prediction, evaluation, drawNoise) => {
    if (evaluation === 0) [take, due] = [walk.begin(), 0];
    if (!take || evaluation !== due)
      throw new RangeError(`${name}: evaluation ${evaluation} must follow evaluation ${evaluation - 1}`);
    due++;
    return take(latents, prediction, begin + evaluation, drawNoise);
  };
}
