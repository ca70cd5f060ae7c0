import { AppError } from "#lib/errors.ts";
import type { Schedule } from "../schedule.ts";
import type { Level } from "./sampler.ts";

/** Levels at training timesteps, as DDIM, PNDM and LCM look them up. */
export interface TrainedLevels {
  /** Below timestep 0 lies the level where the walk ends. */
  readonly at: (timestep: number) => Level;
}

/**
 * @param alphaBars  ᾱ of each training timestep
 * @param finalAlphaIsOne  whether the walk ends without noise; else it ends at the cleanest trained level
 */
export function trainedLevels(schedule: Schedule, alphaBars: Float32Array, finalAlphaIsOne: boolean): TrainedLevels {
  const finalAlphaBar = finalAlphaIsOne ? 1 : alphaBars[0]!;
  const at = (timestep: number): Level => {
    const alphaBar = timestep < 0 ? finalAlphaBar : alphaBars[timestep];
    if (alphaBar === undefined) throw offTheSchedule(schedule, timestep);
    if (alphaBar === 0 && schedule.predictionType === "epsilon") throw withoutSignal(schedule, timestep);
    return { timestep, alpha: Math.sqrt(alphaBar), sigma: Math.sqrt(1 - alphaBar) };
  };
  return { at };
}

function offTheSchedule({ settings, trainTimesteps }: Schedule, timestep: number): AppError {
  const grid = `timestep_spacing ${settings.timestepSpacing ?? "not set"}, steps_offset ${settings.stepsOffset ?? 0}`;
  return new AppError(
    "bad_request",
    `So many steps begin at timestep ${timestep}, and this model has 0 to ${trainTimesteps - 1} (${grid}); ` +
      "ask for fewer.",
    { timestep },
  );
}

const withoutSignal = ({ file }: Schedule, timestep: number): AppError =>
  new AppError(
    "bad_request",
    `${file}: "rescale_betas_zero_snr" leaves no signal at timestep ${timestep}, and a network that predicts noise ` +
      "cannot begin there; choose euler or dpmpp-2m.",
    { timestep },
  );
