import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { Schedule } from "../schedule.ts";
import type { SettingName } from "../schedule-settings.ts";
import type { Level, NoiseSource } from "./sampler.ts";

/** How a sampler steps through one number of steps of one schedule, whole: from the noisiest level to the end. */
export interface Walk {
  /** One for each evaluation of the network. */
  readonly levels: readonly Level[];
  /** Evaluations before the first of step `step`. */
  readonly firstOf: (step: number) => number;
  /** The step of the n-th evaluation of a walk, wherever it began. */
  readonly stepOf: (n: number) => number;
  /** Scales the noise of a walk that begins at noise alone. */
  readonly startScale: number;
  /** Begins a walk: what it remembers from evaluation to evaluation is in the function returned. */
  readonly begin: () => Step;
}

/** Latents at the level `index` of the walk → latents at the next. */
export type Step = (
  latents: FloatTensor,
  prediction: FloatTensor,
  index: number,
  drawNoise: NoiseSource,
) => FloatTensor;

/** A sampler of ours, as a scheduler class of diffusers 0.42.1. */
export interface SamplerKind {
  /** The settings that it reads; others in the file do not concern it. */
  readonly reads: readonly SettingName[];
  /** The most steps that it can take. */
  readonly mostSteps: (schedule: Schedule) => number;
  readonly walk: (schedule: Schedule, steps: number) => Walk;
}

/** For a walk with one evaluation a step. */
export const oneEvaluationPerStep = { firstOf: (step: number) => step, stepOf: (n: number) => n };

export const asManyAsTrained = ({ trainTimesteps }: Schedule): number => trainTimesteps;
