import { z } from "zod";
import { shortJson } from "#lib/util/short-json.ts";
import { alphaBarsOf, plainBetas } from "./betas.ts";
import { type ReferencePipeline, scheduleCorrections } from "./reference-corrections.ts";
import { isKnownScheduler } from "./samplers/nearest-sampler.ts";
import { refusal, requireUsable, type Schedule } from "./schedule.ts";
import {
  type ScheduleSettings,
  settingNames,
  type SettingName,
  settingsSchema,
  trainTimesteps,
  wireNames,
} from "./schedule-settings.ts";

const modelFields = z.looseObject({
  _class_name: z.string().max(200).nullish(),
  _use_default_values: z.array(z.string()).nullish(),
  num_train_timesteps: trainTimesteps.nullish(),
  prediction_type: z.enum(["epsilon", "v_prediction", "sample", "original_sample"]).nullish(),
});

/**
 * @param file  how messages name the file
 * @param pipeline  whose corrections apply
 * @throws unsupported_model, where the file describes no noise schedule that a sampler of ours could walk
 */
export function parseScheduleConfig(
  json: unknown,
  file: string,
  pipeline: ReferencePipeline = "stable-diffusion",
): Schedule {
  const result = modelFields.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues as [z.core.$ZodIssue];
    const at = issue.path.length ? `"${issue.path.join(".")}"` : "the whole";
    throw refusal(file, `${at} is not what we can run (${issue.message})`, { issues: result.error.issues.slice(0, 5) });
  }
  const { _class_name: className = null, _use_default_values: unset, ...fields } = result.data;
  const written = new Map(Object.entries(fields).filter(([name]) => !unset?.includes(name)));
  const { settings, unusable } = readSettings(written, scheduleCorrections[pipeline]);
  const predicts = written.has("prediction_type") ? result.data.prediction_type : null;
  const schedule: Schedule = {
    file,
    className,
    predictionType: predicts === "original_sample" ? "sample" : (predicts ?? "epsilon"),
    trainTimesteps: (written.has("num_train_timesteps") ? result.data.num_train_timesteps : null) ?? 1000,
    settings,
    unusable,
  };
  requireNoise(schedule);
  return schedule;
}

/** A setting that we do not run is taken as silent, and kept by its name beside. */
function readSettings(
  written: ReadonlyMap<string, unknown>,
  corrections: Partial<ScheduleSettings>,
): Pick<Schedule, "settings" | "unusable"> {
  const held = settingNames
    .filter((name) => corrections[name] === undefined)
    .map((name) => [name, written.get(wireNames[name])] as const);
  const faults = settingsSchema.safeParse(Object.fromEntries(held)).error?.issues ?? [];
  const faulty = new Set(faults.map(({ path }) => path[0]));
  const usable = Object.fromEntries(held.filter(([name]) => !faulty.has(name)));
  return {
    settings: { ...settingsSchema.parse(usable), ...corrections },
    unusable: Object.fromEntries(
      held.filter(([name]) => faulty.has(name)).map(([name, value]) => [name, shortJson(value, 60)]),
    ),
  };
}

const betaFields: readonly SettingName[] = ["betaSchedule", "betaStart", "betaEnd", "trainedBetas"];

/**
 * Flow matching and its like have no betas. Betas that we cannot read, or that make no noise, concern every sampler.
 */
function requireNoise(schedule: Schedule): void {
  const { className, settings, file } = schedule;
  requireUsable(schedule, betaFields);
  const hasBetas = betaFields.some((name) => settings[name] !== null);
  if (className !== null && !isKnownScheduler(className) && !hasBetas)
    throw refusal(file, `"_class_name" is ${className}, a scheduler whose noise we do not know`, { className });
  alphaBarsOf(schedule, { ...plainBetas, knowsExp: true }, "exact");
}
