import { guided } from "#lib/diffusion/guidance.ts";
import { shuffled } from "#lib/util/shuffled.ts";
import { generatorFor, share, uniform } from "./random.ts";
import type { Recipe } from "./recipe.ts";
import type { TrainingBatch } from "./step/training-step.ts";
import type { StatePieces } from "./teacher/state-pieces.ts";
import { placeFinder, statesIn, walksOf } from "./teacher/walks.ts";

/**
 * What step n is trained on: a function of the recipe and n alone. States come in an order of their own in each round, so that none comes
 * twice before all came once; half of them at the guidance that led to them, half at any of the range.
 */
export function createBatches(recipe: Recipe, pieces: StatePieces): (step: number) => Promise<TrainingBatch> {
  const { seed, guidance } = recipe;
  const { batch, leastExcess } = recipe.training;
  const walks = walksOf(recipe.teacher);
  const count = walks.reduce((sum, one) => sum + statesIn(one), 0);
  const placeOf = placeFinder(walks);
  let known: { readonly round: number; readonly order: Uint32Array } | null = null;
  const orderOf = (round: number): Uint32Array => {
    if (known?.round !== round) {
      const draws = generatorFor(seed, "round", round);
      known = { round, order: shuffled(count, () => share(draws)) };
    }
    return known.order;
  };
  return async (step) => {
    const turns = Array.from({ length: batch }, (_, row) => step * batch + row);
    const states = await pieces.read(turns.map((turn) => placeOf(orderOf(Math.floor(turn / count))[turn % count]!)));
    const draws = generatorFor(seed, "guidance", step);
    const guidanceScales = states.guidanceScales.map((own) => {
      const [keeps, along] = [uniform(draws) < 0.5, uniform(draws)];
      return keeps ? own : guidance.low + along * (guidance.high - guidance.low);
    });
    return {
      latents: states.latents,
      timesteps: states.timesteps,
      conditioning: states.conditioning,
      guidanceScales,
      target: guided(states.conditional, states.unconditional, guidanceScales),
      // Guidance grows with w − 1 and its squares with (w − 1)²: divided by it, a weak guidance is learned too.
      lossWeights: guidanceScales.map((w) => 1 / Math.max(w - 1, leastExcess)),
    };
  };
}
