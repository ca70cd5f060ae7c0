import { AppError } from "#lib/errors.ts";
import type { PredictionType } from "#lib/families/family.ts";
import { type ScheduleSettings, type SettingName, wireNames } from "./schedule-settings.ts";

/**
 * The noise that a base was trained with, and how its author spaced the steps: diffusers' `scheduler_config.json` in
 * our names.
 *
 * It reads as `X.from_config(config)` does for whatever class X our sampler stands for: a field of the file that X does
 * not know is ignored, and one the file does not hold takes X's default, not that of the class that wrote the file.
 */
export interface Schedule {
  /** How messages name the file. */
  readonly file: string;
  /** The scheduler class that wrote the file; null where it names none. */
  readonly className: string | null;
  /** What the network's output is: ε, v = α·ε − σ·x0, or x0 itself. */
  readonly predictionType: PredictionType;
  /** T: timesteps of the training, 0 … T − 1. */
  readonly trainTimesteps: number;
  readonly settings: ScheduleSettings;
  /** What settings that we do not run hold, in JSON: a fault only for a sampler that reads them. */
  readonly unusable: Readonly<Partial<Record<SettingName, string>>>;
}

/** The settings that a sampler reads are what we can run, or the file is refused by the first that is not. */
export function requireUsable({ unusable, file }: Schedule, reads: readonly SettingName[]): void {
  const name = reads.find((read) => unusable[read] !== undefined);
  if (name === undefined) return;
  throw refusal(file, `"${wireNames[name]}" is ${unusable[name]}, which we do not run`, { name: wireNames[name] });
}

export const refusal = (file: string, fault: string, detail: Record<string, unknown> = {}): AppError =>
  new AppError(
    "unsupported_model",
    `${file}: ${fault}; another sampler may run it, or the scheduler file of the base it comes from.`,
    { file, ...detail },
  );
