import type { SamplerName } from "#lib/sampler-names.ts";

/** What decides how often the network runs for a picture. */
export interface Walk {
  readonly sampler: SamplerName;
  readonly steps: number;
  /** 1 is none, and needs no second pass. */
  readonly guidanceScale: number;
  /** The steps that CFG does before a guide takes over. */
  readonly cfgSteps: number;
}

/**
 * How often the network is asked in the first steps of a walk: Heun's method asks twice in each but the last; PLMS asks
 * twice in the first, as SD 1.5's own settings (`skip_prk_steps`) have it.
 */
function evaluationsIn(sampler: SamplerName, steps: number, first: number): number {
  if (sampler === "heun") return Math.min(2 * first, 2 * steps - 1);
  return sampler === "pndm" && first > 0 && steps > 1 ? first + 1 : first;
}

/** How often the base network runs for the first steps of one picture, all of them where nothing is said. */
export function passesOfMode(
  mode: "conditional" | "guide" | "cfg",
  { sampler, steps, guidanceScale, cfgSteps }: Walk,
  first: number = steps,
): number {
  const asked = evaluationsIn(sampler, steps, first);
  if (mode === "conditional" || guidanceScale === 1) return asked;
  return mode === "cfg" ? 2 * asked : asked + evaluationsIn(sampler, steps, Math.min(cfgSteps, first));
}
