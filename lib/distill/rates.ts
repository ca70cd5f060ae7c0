import type { Recipe } from "./recipe.ts";
import type { StepRates } from "./step/training-step.ts";

/** Of its peak, what the learning rate comes down to. */
const LAST_SHARE = 0.02;

/** Up in a line, then down along half a cosine. The average forgets its beginning fast, before it becomes slow. */
export function ratesAt(step: number, { steps, warmUp, learningRate, averageDecay }: Recipe["training"]): StepRates {
  const cosine = 0.5 + 0.5 * Math.cos((Math.PI * step) / steps);
  return {
    learningRate: learningRate * Math.min(1, (step + 1) / warmUp) * (LAST_SHARE + (1 - LAST_SHARE) * cosine),
    averageDecay: Math.min(averageDecay, (1 + step) / (10 + step)),
  };
}
