import { z } from "zod";
import { AppError } from "#lib/errors.ts";

export type PredictionType = "epsilon" | "v_prediction";
export type TimestepSpacing = "leading" | "linspace" | "trailing";

/**
 * The noise that a base was trained with, and how its author spaced the steps: diffusers' `scheduler_config.json` in our names.
 *
 * It reads as `X.from_config(config)` does for the samplers we have, whatever scheduler class wrote it: a field the file does not
 * hold takes the default of the sampler, not that of the class. `clip_sample` is never applied; StableDiffusionPipeline turns it
 * off itself, whatever the file says.
 */
export interface Schedule {
  /** What the network predicts: ε, or v = α·ε − σ·x0. */
  readonly predictionType: PredictionType;
  /** ᾱ of each training timestep, falling within (0, 1); torch's float32 values. */
  readonly alphaBars: Float32Array;
  /** ᾱ that DDIM's last step arrives at. */
  readonly finalAlphaBar: number;
  /** Null where the file is silent, and each sampler has its own. */
  readonly timestepSpacing: TimestepSpacing | null;
  /** Added to every timestep of a `leading` grid. */
  readonly stepsOffset: number;
  /** Whether DPM-Solver++ takes the noise levels of Karras et al. in place of spaced timesteps. */
  readonly karrasSigmas: boolean;
}

/** `file` is named in messages. A setting that would change the picture and that we do not run is refused by its name. */
export function parseScheduleConfig(json: unknown, file: string): Schedule {
  const result = configSchema.safeParse(json);
  if (!result.success) {
    const [issue] = result.error.issues as [z.core.$ZodIssue];
    const at = issue.path.length ? `"${issue.path.join(".")}"` : "the whole";
    throw refusal(file, `${at} is not what we can run (${issue.message})`, { issues: result.error.issues.slice(0, 5) });
  }
  const raw = result.data;
  for (const [name, allowed] of Object.entries(mustBe)) {
    const value = raw[name];
    if (value === undefined || allowed.includes(value)) continue;
    throw refusal(file, `"${name}" is ${JSON.stringify(value).slice(0, 60)}, which we do not run`, { name });
  }
  const alphaBars = cumulate(raw.trained_betas ? Float32Array.from(raw.trained_betas) : betas(raw));
  if (alphaBars.length !== raw.num_train_timesteps) {
    throw refusal(file, `"trained_betas" has ${alphaBars.length} entries for ${raw.num_train_timesteps} timesteps`);
  }
  if (!alphaBars.every((alphaBar, t) => alphaBar > 0 && alphaBar < (alphaBars[t - 1] ?? 1))) {
    throw refusal(file, "its betas leave no signal at the last timestep, or add no noise at some");
  }
  return {
    predictionType: raw.prediction_type,
    alphaBars,
    finalAlphaBar: raw.set_alpha_to_one ? 1 : alphaBars[0]!,
    timestepSpacing: raw.timestep_spacing ?? null,
    stepsOffset: raw.steps_offset,
    karrasSigmas: raw.use_karras_sigmas ?? false,
  };
}

/**
 * `count` timesteps spread over the schedule, noisiest first: Lin et al. 2024 (arXiv 2305.08891), table 2. With many steps or a
 * large offset a `leading` grid may repeat itself or leave the schedule.
 */
export function timestepGrid(
  { alphaBars: { length }, stepsOffset }: Schedule,
  spacing: TimestepSpacing,
  count: number,
): number[] {
  const stride = strides[spacing](length, count);
  const grid = Array.from({ length: count }, (_, i) => i * stride);
  if (spacing === "trailing") return grid.map((below) => roundHalfEven(length - below) - 1);
  return grid
    .map((timestep) => (spacing === "leading" ? timestep + stepsOffset : roundHalfEven(timestep)))
    .toReversed();
}

// Computed in NumPy's order: where a timestep falls half-way, the last bit of the stride decides which way it is rounded.
const strides: Readonly<Record<TimestepSpacing, (length: number, count: number) => number>> = {
  leading: (length, count) => Math.floor(length / count),
  linspace: (length, count) => (length - 1) / Math.max(count - 1, 1),
  trailing: (length, count) => length - (length - length / count),
};

// The schedulers that diffusers lets stand in for each other. Flow matching and distilled samplers are not among them.
const compatibleClasses = [
  "DDIMScheduler",
  "DDPMScheduler",
  "DEISMultistepScheduler",
  "DPMSolverMultistepScheduler",
  "DPMSolverSDEScheduler",
  "DPMSolverSinglestepScheduler",
  "EulerAncestralDiscreteScheduler",
  "EulerDiscreteScheduler",
  "HeunDiscreteScheduler",
  "KDPM2AncestralDiscreteScheduler",
  "KDPM2DiscreteScheduler",
  "LMSDiscreteScheduler",
  "PNDMScheduler",
  "UniPCMultistepScheduler",
] as const;

const MAX_TIMESTEPS = 100_000; // published models have 1,000 to 4,000
const beta = z.number().gt(0).lt(1);

const configSchema = z.looseObject({
  _class_name: z.enum(compatibleClasses).optional(),
  num_train_timesteps: z.int().min(2).max(MAX_TIMESTEPS).default(1000),
  beta_schedule: z.enum(["linear", "scaled_linear"]).default("linear"),
  beta_start: beta.default(0.0001),
  beta_end: beta.default(0.02),
  trained_betas: z.array(beta).max(MAX_TIMESTEPS).nullish(),
  prediction_type: z.enum(["epsilon", "v_prediction"]).default("epsilon"),
  timestep_spacing: z.enum(["leading", "linspace", "trailing"]).optional(),
  steps_offset: z.int().min(0).max(MAX_TIMESTEPS).default(0),
  set_alpha_to_one: z.boolean().default(true),
  use_karras_sigmas: z.boolean().nullish(),
});

/**
 * What a setting must be for us to run it. The solvers of other classes are those that diffusers itself reads as `midpoint`.
 * `lower_order_final` and `euler_at_final` are free: a last step to σ = 0 is of first order whatever they say.
 */
const mustBe: Record<string, readonly unknown[]> = {
  thresholding: [false],
  rescale_betas_zero_snr: [false],
  timestep_type: ["discrete"],
  variance_type: [null, "fixed_small", "fixed_small_log", "fixed_large", "fixed_large_log"],
  algorithm_type: ["dpmsolver++", "deis"],
  solver_order: [2],
  solver_type: ["midpoint", "bh1", "bh2", "logrho"],
  final_sigmas_type: ["zero"],
  lambda_min_clipped: [null, Number.NEGATIVE_INFINITY],
  sigma_min: [null],
  sigma_max: [null],
  use_lu_lambdas: [null, false],
  use_exponential_sigmas: [null, false],
  use_beta_sigmas: [null, false],
  use_flow_sigmas: [null, false],
};

const refusal = (file: string, fault: string, detail: Record<string, unknown> = {}): AppError =>
  new AppError("unsupported_model", `${file}: ${fault}; Stable Diffusion 1.x and 2.x folders work.`, detail);

type Betas = Pick<z.infer<typeof configSchema>, "beta_schedule" | "beta_start" | "beta_end" | "num_train_timesteps">;

/** Ho et al. 2020 (arXiv 2006.11239) raise β linearly; latent diffusion (Rombach et al. 2022, arXiv 2112.10752) raises √β. */
function betas({
  beta_schedule: kind,
  beta_start: start,
  beta_end: end,
  num_train_timesteps: count,
}: Betas): Float32Array {
  if (kind === "linear") return linspace(start, end, count);
  return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
}

/** `torch.linspace` in float32: up from the start in the first half, down from the end in the second. */
function linspace(from: number, to: number, count: number): Float32Array {
  const { fround } = Math;
  const [start, end] = [fround(from), fround(to)];
  const step = fround(fround(end - start) / (count - 1));
  const half = Math.floor(count / 2);
  return Float32Array.from({ length: count }, (_, i) =>
    i < half ? start + fround(step * i) : end - fround(step * (count - 1 - i)),
  );
}

/** ᾱ_t = ∏ (1 − β_s), s ≤ t. torch multiplies float32 factors in float64 and rounds what it stores. */
function cumulate(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => (product *= Math.fround(1 - value)));
}

/** NumPy's rounding: halves go to the even neighbour. */
function roundHalfEven(value: number): number {
  const rounded = Math.round(value);
  return value % 1 === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
