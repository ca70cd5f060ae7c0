import type { Mode } from "../_ui/mode.tsx";

/** How often the model runs for each picture. Guidance 1 is none, and needs no second pass. */
export function passesOfMode(
  mode: Mode,
  { steps, guidance, cfgSteps }: { readonly steps: number; readonly guidance: number; readonly cfgSteps: number },
): number {
  if (mode === "conditional" || guidance === 1) return steps;
  return mode === "cfg" ? 2 * steps : steps + Math.min(cfgSteps, steps);
}
