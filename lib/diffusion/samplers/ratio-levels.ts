import { AppError } from "#lib/errors.ts";
import type { Schedule } from "../schedule.ts";
import type { SettingName } from "../schedule-settings.ts";
import { noiseRatios, type SigmaSpacing, spreadSigmas, timestepsOf, valueAt } from "../sigmas.ts";
import { roundHalfEven, timestepGrid } from "../timesteps.ts";
import type { Level } from "./sampler.ts";

/** A level of the noise ratio σ/α, which is k-diffusion's sigma. */
export function levelOfRatio(timestep: number, ratio: number): Level {
  const alpha = 1 / Math.sqrt(ratio ** 2 + 1);
  return { timestep, alpha, sigma: ratio * alpha };
}

export const ratioOf = ({ alpha, sigma }: Level): number => sigma / alpha;

/** The settings that `multistepLevels` reads. */
export const multistepSettings: readonly SettingName[] = ["timestepSpacing", "stepsOffset", "finalSigma", "flowSigmas"];

/** The levels of DPM-Solver++ and UniPC, with the one where the walk ends. */
export interface MultistepLevels {
  readonly levels: readonly Level[];
  readonly end: Level;
}

export interface MultistepChoice {
  readonly steps: number;
  readonly sigmaSpacing: SigmaSpacing | null;
  /** The timesteps used are below this one. */
  readonly lastTimestep: number;
  /** What diffusers does to the fractions of spread timesteps. */
  readonly wholeTimestep: (timestep: number) => number;
  /**
   * Where `final_sigmas_type` is `sigma_min` and levels are spread: the cleanest trained, or the last of them again.
   */
  readonly spreadEnd: "trained" | "last";
}

/**
 * By timesteps it is an even grid of one more, without the cleanest: from its last level the walk goes to σ = 0. A
 * `trailing` grid ends above 0 by itself.
 */
export function multistepLevels(schedule: Schedule, alphaBars: Float32Array, choice: MultistepChoice): MultistepLevels {
  const { settings, trainTimesteps } = schedule;
  const trained = noiseRatios(alphaBars);
  const { steps, sigmaSpacing, lastTimestep: end } = choice;
  const lowest = trained[0]!;
  let levels: Level[];
  let final = lowest;
  if (sigmaSpacing) {
    const ratios = spreadSigmas(sigmaSpacing, schedule, [trained.at(-1)!, lowest], steps);
    const timesteps = timestepsOf(ratios, trained).map(choice.wholeTimestep);
    levels = ratios.map((ratio, i) => levelOfRatio(timesteps[i]!, Math.fround(ratio)));
    if (choice.spreadEnd === "last") final = Math.fround(ratios.at(-1)!);
  } else {
    const spacing = settings.timestepSpacing ?? "linspace";
    const count = spacing === "trailing" ? steps : steps + 1;
    const grid = timestepGrid({ trainTimesteps, end, spacing, count, offset: settings.stepsOffset ?? 0 });
    const timesteps = (spacing === "trailing" ? grid : grid.slice(0, -1)).map(roundHalfEven);
    levels = timesteps.map((timestep) => levelOfRatio(timestep, Math.fround(valueAt(trained, timestep))));
  }
  requireFalling(levels, schedule);
  return { levels, end: levelOfRatio(0, settings.finalSigma === "sigma_min" ? final : 0) };
}

/** A step between two equal levels divides by their distance. */
function requireFalling(levels: readonly Level[], { settings }: Schedule): void {
  if (levels.every((level, i) => i === 0 || ratioOf(level) < ratioOf(levels[i - 1]!))) return;
  const grid = `timestep_spacing ${settings.timestepSpacing ?? "not set"}, steps_offset ${settings.stepsOffset ?? 0}`;
  throw new AppError(
    "bad_request",
    `${levels.length} steps do not fit the noise schedule of this model (${grid}): ` +
      "two fall on one level; ask for fewer.",
    { steps: levels.length },
  );
}
