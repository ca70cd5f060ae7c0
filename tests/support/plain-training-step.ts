import type { OpenTrainingStep } from "#lib/distill/distill.ts";
import { parameterLayout } from "#lib/distill/step/parameter-layout.ts";

/**
 * A training without a network, for what has nothing to do with one: each weight is drawn, by Adam without its corrections, to a number that the
 * batch decides. Every number of a batch counts, so that another batch, another rate or a lost moment gives other weights.
 */
export const openPlainStep: OpenTrainingStep = async ({ guide, optimizer, initial }) => {
  const layout = parameterLayout(guide);
  let state = structuredClone(initial);
  return {
    layout,
    async run(batch, { learningRate, averageDecay }) {
      const numbers = [
        ...batch.latents.data,
        ...batch.target.data,
        ...batch.timesteps,
        ...batch.guidanceScales,
        ...batch.lossWeights,
        ...batch.conditioning.text.data,
      ];
      const goal = numbers.reduce((sum, value, i) => sum + value * ((i % 13) + 1), 0) / numbers.length;
      const { weights, firstMoments, secondMoments, average } = state;
      let squares = 0;
      for (let i = 0; i < layout.length; i++) {
        const gradient = weights[i]! - goal / (1 + (i % 5));
        squares += gradient ** 2;
        firstMoments[i] = optimizer.beta1 * firstMoments[i]! + (1 - optimizer.beta1) * gradient;
        secondMoments[i] = optimizer.beta2 * secondMoments[i]! + (1 - optimizer.beta2) * gradient ** 2;
        weights[i]! -= (learningRate * firstMoments[i]!) / (Math.sqrt(secondMoments[i]!) + optimizer.epsilon);
        average[i] = averageDecay * average[i]! + (1 - averageDecay) * weights[i]!;
      }
      state = { ...state, steps: state.steps + 1 };
      return { loss: squares / layout.length, gradientNorm: Math.sqrt(squares) };
    },
    state: () => state,
    restore: (other) => {
      state = structuredClone(other);
    },
    close: async () => {},
  };
};
