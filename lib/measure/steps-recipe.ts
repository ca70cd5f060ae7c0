import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { hashOf } from "./pieces.ts";

/** Under which the single steps of some trajectories are kept. */
export const stepsRecipe = (
  prompts: readonly string[],
  noise: FloatTensor,
  guidanceScale: number,
  steps: number,
): object => ({ what: "single steps", prompts, noise: hashOf(noise), guidanceScale, steps });
