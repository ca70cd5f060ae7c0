import { linspace } from "../betas.ts";
import type { Schedule } from "../schedule.ts";
import type { SettingName } from "../schedule-settings.ts";
import { noiseRatios, type SigmaSpacing, spreadSigmas, timestepsOf, valueAt } from "../sigmas.ts";
import { timestepGrid } from "../timesteps.ts";
import { levelOfRatio } from "./ratio-levels.ts";
import type { Level } from "./sampler.ts";

/** The settings that `eulerLevels` reads. */
export const eulerSettings: readonly SettingName[] = ["timestepSpacing", "stepsOffset"];

/** The levels of Euler's family, one for each step, with the one where the walk ends. */
export interface EulerLevels {
  readonly levels: readonly Level[];
  /** Not of unit variance: x = x0 + σ·ε, as diffusers leaves its latents. */
  readonly end: Level;
  /** Scales the noise of a walk that begins at noise alone: theirs adds it to nothing where a grid is not `leading`. */
  readonly startScale: number;
}

/**
 * A grid of timesteps that `linspace` leaves between whole ones, and the trained levels there; or spread levels between
 * its ends.
 */
export function eulerLevels(
  schedule: Schedule,
  alphaBars: Float32Array,
  steps: number,
  sigmaSpacing: SigmaSpacing | null,
): EulerLevels {
  const { settings, trainTimesteps } = schedule;
  const spacing = settings.timestepSpacing ?? "linspace";
  const trained = noiseRatios(alphaBars);
  const offset = settings.stepsOffset ?? 0;
  const grid = timestepGrid({ trainTimesteps, spacing, count: steps, offset }).map(Math.fround);
  let ratios: readonly number[] =
    settings.interpolation === "log_linear" ? evenInLogarithm(trained, steps) : grid.map((t) => valueAt(trained, t));
  let timesteps: readonly number[] = grid;
  if (sigmaSpacing) {
    ratios = spreadSigmas(sigmaSpacing, schedule, [ratios[0]!, ratios.at(-1)!], steps);
    timesteps = timestepsOf(ratios, trained).map(Math.fround);
  }
  const levels = timesteps.map((timestep, i) => levelOfRatio(timestep, Math.fround(ratios[i]!)));
  const finalRatio = ratios[steps] ?? (settings.finalSigma === "sigma_min" ? trained[0]! : 0);
  return {
    levels,
    end: { timestep: 0, alpha: 1, sigma: Math.fround(finalRatio) },
    startScale: spacing === "leading" ? 1 : levels[0]!.sigma,
  };
}

/** `interpolation_type` `log_linear`: one level more than steps, so that a walk ends at the cleanest trained. */
const evenInLogarithm = (trained: Float32Array, steps: number): number[] =>
  Array.from(linspace(Math.log(trained.at(-1)!), Math.log(trained[0]!), steps + 1), (log) =>
    Math.fround(Math.exp(log)),
  );
