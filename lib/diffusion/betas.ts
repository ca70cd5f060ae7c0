import { refusal, requireUsable, type Schedule } from "./schedule.ts";
import type { ScheduleSettings, SettingName } from "./schedule-settings.ts";

/** What a scheduler class takes where a file is silent about its betas. */
export interface BetaDefaults {
  readonly betaSchedule: NonNullable<ScheduleSettings["betaSchedule"]>;
  readonly betaStart: number;
  readonly betaEnd: number;
  /** Whether the class knows the schedule `exp`, as only Heun's does. */
  readonly knowsExp?: true;
}

/** The betas of most of diffusers' classes, which are those of Ho et al. 2020. */
export const plainBetas: BetaDefaults = { betaSchedule: "linear", betaStart: 0.0001, betaEnd: 0.02 };

/**
 * What `rescale_betas_zero_snr` does to a sampler: nothing; leaves no signal at the last timestep; or leaves 2⁻²⁴ of
 * it, so that the noise level stays finite.
 */
export type ZeroSnr = "ignored" | "exact" | "finite";

const SMALLEST_SIGNAL = 2 ** -24;

/** The settings that `alphaBarsOf` reads. */
export const betaSettings: readonly SettingName[] = [
  "betaSchedule",
  "betaStart",
  "betaEnd",
  "trainedBetas",
  "zeroTerminalSnr",
];

/**
 * ᾱ_t = ∏ (1 − β_s), s ≤ t, of each training timestep: falling within (0, 1), torch's float32 values.
 *
 * @throws unsupported_model, where the betas of the file make no such list
 */
export function alphaBarsOf(schedule: Schedule, defaults: BetaDefaults, zeroSnr: ZeroSnr): Float32Array {
  const { settings, file, trainTimesteps } = schedule;
  requireUsable(schedule, betaSettings);
  if (settings.trainedBetas && settings.trainedBetas.length !== trainTimesteps) {
    const count = settings.trainedBetas.length;
    throw refusal(file, `"trained_betas" has ${count} entries for ${trainTimesteps} timesteps`);
  }
  if (settings.betaSchedule === "exp" && !settings.trainedBetas && !defaults.knowsExp)
    throw refusal(file, '"beta_schedule" is exp, which only the sampler heun knows');
  const given = settings.trainedBetas ? Float32Array.from(settings.trainedBetas) : betas(schedule, defaults);
  const rescaled = settings.zeroTerminalSnr === true && zeroSnr !== "ignored";
  const alphaBars = cumulate(rescaled ? withoutTerminalSignal(given) : given);
  if (rescaled && zeroSnr === "finite") alphaBars[trainTimesteps - 1] = SMALLEST_SIGNAL;
  const isWhole = alphaBars.every((alphaBar, t) => {
    const hasSignal = alphaBar > 0 || (rescaled && t === trainTimesteps - 1);
    return hasSignal && alphaBar < (alphaBars[t - 1] ?? 1);
  });
  if (!isWhole) throw refusal(file, "its betas leave no signal at the last timestep, or add no noise at some");
  return alphaBars;
}

/**
 * Ho et al. 2020 (arXiv 2006.11239) raise β linearly, latent diffusion (Rombach et al. 2022, arXiv 2112.10752) raises
 * √β, and Nichol & Dhariwal 2021 (arXiv 2102.09672), eq. 17, give ᾱ as a cosine.
 */
function betas({ settings, trainTimesteps: count }: Schedule, defaults: BetaDefaults): Float32Array {
  const kind = settings.betaSchedule ?? defaults.betaSchedule;
  const [start, end] = [settings.betaStart ?? defaults.betaStart, settings.betaEnd ?? defaults.betaEnd];
  switch (kind) {
    case "linear":
      return linspace(start, end, count);
    case "scaled_linear":
      return linspace(Math.sqrt(start), Math.sqrt(end), count).map((root) => root * root);
    case "squaredcos_cap_v2":
      return betasOf((time) => Math.cos((((time + 0.008) / 1.008) * Math.PI) / 2) ** 2, count);
    case "exp":
      return betasOf((time) => Math.exp(-12 * time), count);
  }
}

const MAX_BETA = 0.999;

/** The betas whose ᾱ follow a curve over time 0 … 1. */
const betasOf = (alphaBar: (time: number) => number, count: number): Float32Array =>
  Float32Array.from({ length: count }, (_, t) =>
    Math.min(1 - alphaBar((t + 1) / count) / alphaBar(t / count), MAX_BETA),
  );

/** `torch.linspace` in float32: up from the start in the first half, down from the end in the second. */
export function linspace(from: number, to: number, count: number): Float32Array {
  const { fround } = Math;
  const [start, end] = [fround(from), fround(to)];
  const step = fround(fround(end - start) / (count - 1));
  const half = Math.floor(count / 2);
  return Float32Array.from({ length: count }, (_, i) =>
    i < half ? start + fround(step * i) : end - fround(step * (count - 1 - i)),
  );
}

/** torch multiplies float32 factors in float64 and rounds what it stores. */
function cumulate(values: Float32Array): Float32Array {
  let product = 1;
  return values.map((value) => (product *= Math.fround(1 - value)));
}

/**
 * √ᾱ moved so that its last is 0, and stretched so that its first stays: Lin et al. 2024 (arXiv 2305.08891), algorithm
 * 1.
 */
function withoutTerminalSignal(values: Float32Array): Float32Array {
  const { fround } = Math;
  const roots = cumulate(values).map(Math.sqrt);
  const [first, last] = [roots[0]!, roots.at(-1)!];
  const stretch = fround(first / fround(first - last));
  const alphaBars = roots.map((root) => fround(fround(root - last) * stretch) ** 2);
  return alphaBars.map((alphaBar, t) => 1 - (t === 0 ? alphaBar : fround(alphaBar / alphaBars[t - 1]!)));
}
