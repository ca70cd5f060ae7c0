import { symmetricBetaQuantile } from "./beta-quantile.ts";
import { refusal, type Schedule } from "./schedule.ts";
import { type SettingName, wireNames } from "./schedule-settings.ts";

/** σ/α = √((1−ᾱ)/ᾱ) = e^{−λ} of each training timestep, rising; each operation rounded to float32 as in torch. */
export const noiseRatios = (alphaBars: Float32Array): Float32Array =>
  alphaBars.map((alphaBar) => Math.sqrt(Math.fround(Math.fround(1 - alphaBar) / alphaBar)));

/** The value at a place between entries, as `np.interp` finds it; beyond an end, that end. */
export function valueAt(values: ArrayLike<number>, place: number): number {
  const last = values.length - 1;
  if (place <= 0) return values[0]!;
  if (place >= last) return values[last]!;
  const below = Math.floor(place);
  return values[below]! + (place - below) * (values[below + 1]! - values[below]!);
}

/** Where noise levels lie among the training's: timesteps with fractions, linear in ln σ; beyond an end, that end. */
export function timestepsOf(ratios: readonly number[], trained: Float32Array): number[] {
  const logs = trained.map(Math.log);
  return ratios.map((ratio) => {
    const value = Math.log(Math.max(ratio, 1e-10));
    const above = logs.findIndex((log) => log > value);
    const low = Math.min(above < 0 ? logs.length - 2 : Math.max(above - 1, 0), logs.length - 2);
    const weight = (logs[low]! - value) / (logs[low]! - logs[low + 1]!);
    return low + Math.min(Math.max(weight, 0), 1);
  });
}

/** How noise levels are spread where not by timesteps. */
export type SigmaSpacing = "karras" | "exponential" | "beta" | "lu";

const spacingFlags = {
  karras: "karrasSigmas",
  lu: "luLambdas",
  exponential: "exponentialSigmas",
  beta: "betaSigmas",
} as const;

/** The settings that `sigmaSpacingOf` and `spreadSigmas` read. */
export const sigmaSettings: readonly SettingName[] = [
  "karrasSigmas",
  "exponentialSigmas",
  "betaSigmas",
  "sigmaMin",
  "sigmaMax",
];

/** The spacing that a file asks for among those that a sampler knows; null where it follows the timesteps. */
export function sigmaSpacingOf(
  { settings, file }: Schedule,
  known: readonly SigmaSpacing[] = ["karras", "exponential", "beta"],
): SigmaSpacing | null {
  const asked = known.filter((spacing) => settings[spacingFlags[spacing]] === true);
  const exclusive = asked.filter((spacing) => spacing !== "lu");
  if (exclusive.length > 1) {
    const fields = exclusive.map((spacing) => `"${wireNames[spacingFlags[spacing]]}"`).join(" and ");
    throw refusal(file, `${fields} are both on, and noise levels are spread in one way`);
  }
  return asked[0] ?? null;
}

const RHO = 7; // Karras et al. 2022 (arXiv 2206.00364), appendix D.1

/**
 * `count` noise levels σ/α from `highest` to `lowest`, or to what the file gives in their place:
 *
 *   karras       even in σ^{1/ρ}, Karras et al. 2022, eq. 5
 *   exponential  even in ln σ; so is `lu`, Lu et al. 2022 (arXiv 2206.00927)
 *   beta         at the quantiles of Beta(0.6, 0.6), Lee et al. 2024 (arXiv 2407.12173)
 */
export function spreadSigmas(
  spacing: SigmaSpacing,
  { settings }: Schedule,
  [highest, lowest]: readonly [number, number],
  count: number,
): number[] {
  const given = spacing !== "lu"; // theirs reads no other end for it
  const from = (given ? settings.sigmaMax : null) ?? highest;
  const to = (given ? settings.sigmaMin : null) ?? lowest;
  const between = (share: number, a: number, b: number): number => a + share * (b - a);
  const spread: Readonly<Record<SigmaSpacing, (share: number) => number>> = {
    karras: (share) => between(share, from ** (1 / RHO), to ** (1 / RHO)) ** RHO,
    exponential: (share) => Math.exp(between(share, Math.log(from), Math.log(to))),
    lu: (share) => Math.exp(between(share, Math.log(from), Math.log(to))),
    beta: (share) => between(symmetricBetaQuantile(1 - share, 0.6), to, from),
  };
  return Array.from({ length: count }, (_, i) => spread[spacing](i / Math.max(count - 1, 1)));
}
