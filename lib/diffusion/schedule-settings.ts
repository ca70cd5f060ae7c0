import { z } from "zod";

export type TimestepSpacing = "leading" | "linspace" | "trailing";

/** Ours → theirs: what the field of diffusers' `scheduler_config.json` is called. */
export const wireNames = {
  betaSchedule: "beta_schedule",
  betaStart: "beta_start",
  betaEnd: "beta_end",
  trainedBetas: "trained_betas",
  zeroTerminalSnr: "rescale_betas_zero_snr",
  finalAlphaIsOne: "set_alpha_to_one",
  timestepSpacing: "timestep_spacing",
  stepsOffset: "steps_offset",
  karrasSigmas: "use_karras_sigmas",
  exponentialSigmas: "use_exponential_sigmas",
  betaSigmas: "use_beta_sigmas",
  luLambdas: "use_lu_lambdas",
  flowSigmas: "use_flow_sigmas",
  sigmaMin: "sigma_min",
  sigmaMax: "sigma_max",
  finalSigma: "final_sigmas_type",
  solverOrder: "solver_order",
  solverType: "solver_type",
  lowerOrderFinal: "lower_order_final",
  eulerAtFinal: "euler_at_final",
  lambdaMin: "lambda_min_clipped",
  varianceType: "variance_type",
  predictsCleanLatents: "predict_x0",
  uncorrectedSteps: "disable_corrector",
  predictor: "solver_p",
  interpolation: "interpolation_type",
  timestepType: "timestep_type",
  skipRungeKutta: "skip_prk_steps",
  clipSample: "clip_sample",
  clipRange: "clip_sample_range",
  thresholding: "thresholding",
  thresholdQuantile: "dynamic_thresholding_ratio",
  thresholdMax: "sample_max_value",
  distilledSteps: "original_inference_steps",
  timestepScaling: "timestep_scaling",
} as const;

export type SettingName = keyof typeof wireNames;

const MAX_TIMESTEPS = 100_000; // published models have 1,000 to 4,000
const beta = z.number().gt(0).lt(1);
const positive = z.number().gt(0).max(1e9);

/**
 * An absent field is null: silence. So is one that holds null, but for a flag, which is then off, as Python reads it.
 */
const orSilent = <Output>(type: z.ZodType<Output>) => type.nullish().transform((value) => value ?? null);
const flag = z
  .boolean()
  .nullish()
  .transform((value) => (value === undefined ? null : (value ?? false)));
const never = orSilent(z.literal(false));

export const trainTimesteps = z.int().min(2).max(MAX_TIMESTEPS);

/** What each field may hold for us to run it, by our names. */
export const settingsSchema = z.object({
  betaSchedule: orSilent(z.enum(["linear", "scaled_linear", "squaredcos_cap_v2", "exp"])),
  betaStart: orSilent(beta),
  betaEnd: orSilent(beta),
  trainedBetas: orSilent(z.array(z.number().gt(0).max(1)).max(MAX_TIMESTEPS)),
  zeroTerminalSnr: flag,
  finalAlphaIsOne: flag,
  timestepSpacing: orSilent(z.enum(["leading", "linspace", "trailing"])),
  stepsOffset: orSilent(z.int().min(0).max(MAX_TIMESTEPS)),
  karrasSigmas: flag,
  exponentialSigmas: flag,
  betaSigmas: flag,
  luLambdas: flag,
  flowSigmas: never, // another process, and another network
  sigmaMin: orSilent(positive),
  sigmaMax: orSilent(positive),
  finalSigma: orSilent(z.enum(["zero", "sigma_min"])),
  solverOrder: orSilent(z.int().min(1).max(3)),
  solverType: orSilent(z.enum(["midpoint", "heun", "logrho", "bh1", "bh2"])),
  lowerOrderFinal: flag,
  eulerAtFinal: flag,
  lambdaMin: orSilent(z.number()),
  varianceType: orSilent(z.enum(["fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"])),
  predictsCleanLatents: flag,
  uncorrectedSteps: orSilent(z.array(z.int().min(0)).max(1000)),
  predictor: orSilent(z.never()),
  interpolation: orSilent(z.enum(["linear", "log_linear"])),
  timestepType: orSilent(z.enum(["discrete", "continuous"])),
  skipRungeKutta: flag,
  clipSample: flag,
  clipRange: orSilent(positive),
  thresholding: flag,
  thresholdQuantile: orSilent(z.number().min(0).max(1)),
  thresholdMax: orSilent(z.number().min(1).max(1e9)),
  distilledSteps: orSilent(z.int().min(1).max(MAX_TIMESTEPS)),
  timestepScaling: orSilent(z.number().gt(0).max(1e9)),
} satisfies Record<SettingName, z.ZodType>);

/** A scheduler's settings as its file has them; null where the file is silent, and the sampler's own default holds. */
export type ScheduleSettings = Readonly<z.output<typeof settingsSchema>>;

export const settingNames: readonly SettingName[] = settingsSchema.keyof().options;
