import { AppError } from "#lib/errors.ts";
import type { Schedule } from "../schedule.ts";
import { ddim } from "./ddim.ts";
import { dpmpp2m } from "./dpmpp-2m.ts";
import type { Sampler, SamplerName } from "./sampler.ts";

const makers: Readonly<Record<SamplerName, (schedule: Schedule, steps: number) => Sampler>> = {
  ddim,
  "dpmpp-2m": dpmpp2m,
};

/** @param steps  a whole number from 1 to the number of training timesteps */
export function createSampler(name: SamplerName, schedule: Schedule, steps: number): Sampler {
  const most = schedule.alphaBars.length;
  if (!Number.isInteger(steps) || steps < 1 || steps > most) {
    throw new AppError(
      "bad_request",
      `Steps ${steps} must be a whole number from 1 to ${most}, the timesteps of the model; 20 is usual.`,
      { steps, most },
    );
  }
  const sampler = makers[name](schedule, steps);
  requireFalling(sampler, schedule);
  return sampler;
}

/** Grids of nearly as many steps as timesteps, or with a large offset, may repeat a timestep or leave the schedule. */
function requireFalling({ levels }: Sampler, { timestepSpacing, stepsOffset }: Schedule): void {
  if (levels.every(({ sigma }, i) => sigma < (levels[i - 1]?.sigma ?? Number.POSITIVE_INFINITY))) return;
  const grid = `timestep_spacing ${timestepSpacing ?? "not set"}, steps_offset ${stepsOffset}`;
  throw new AppError(
    "bad_request",
    `${levels.length} steps do not fit the noise schedule of this model (${grid}); ask for fewer.`,
    { steps: levels.length },
  );
}
