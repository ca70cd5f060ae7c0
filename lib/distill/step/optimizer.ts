import type { Graph, Value } from "#lib/onnx/graph.ts";
import { add, divide, multiply, relu, scalar, squareRoot, subtract, sumOver } from "#lib/onnx/ops/math.ts";

/** Of AdamW. */
export interface OptimizerSettings {
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Gradients of a larger norm are scaled down to it. */
  readonly clipNorm: number;
}

/** The vectors that a step changes, each [P]. */
export interface StateValues {
  readonly weights: Value;
  readonly firstMoments: Value;
  readonly secondMoments: Value;
  readonly average: Value;
}

/** What is another number in every step, each [1]; `stepRates` works them out. */
export interface RateValues {
  readonly learningRate: Value;
  readonly averageDecay: Value;
  readonly firstCorrection: Value;
  readonly secondCorrection: Value;
}

export const rateInputs = (graph: Graph): RateValues => ({
  learningRate: graph.input("learningRate", [1]),
  averageDecay: graph.input("averageDecay", [1]),
  firstCorrection: graph.input("firstCorrection", [1]),
  secondCorrection: graph.input("secondCorrection", [1]),
});

/** 1 − βᵏ: what the moments of the k-th step lack of the mean that they stand for. */
export const corrections = ({ beta1, beta2 }: OptimizerSettings, step: number) => ({
  firstCorrection: 1 - beta1 ** step,
  secondCorrection: 1 - beta2 ** step,
});

/**
 * AdamW (Loshchilov & Hutter 2019, arXiv 1711.05101) on a gradient that is first scaled down to `clipNorm`, and the running average of
 * the weights. The result is PyTorch's, to rounding.
 */
export function optimize(
  state: StateValues,
  gradient: Value,
  rates: RateValues,
  { beta1, beta2, epsilon, weightDecay, clipNorm }: OptimizerSettings,
): StateValues & { readonly gradientNorm: Value } {
  const gradientNorm = squareRoot(sumOver(multiply(gradient, gradient), [0]));
  const clipped = multiply(gradient, atMostOne(divide(scalar(gradient, clipNorm), plus(gradientNorm, 1e-6))));

  const firstMoments = mix(state.firstMoments, clipped, beta1);
  const secondMoments = mix(state.secondMoments, multiply(clipped, clipped), beta2);
  const spread = divide(squareRoot(secondMoments), squareRoot(rates.secondCorrection));
  const step = divide(multiply(firstMoments, divide(rates.learningRate, rates.firstCorrection)), plus(spread, epsilon));
  const kept =
    weightDecay === 0
      ? state.weights
      : subtract(state.weights, multiply(state.weights, times(rates.learningRate, weightDecay)));
  const weights = subtract(kept, step);

  const { averageDecay } = rates;
  const average = add(multiply(state.average, averageDecay), multiply(weights, plus(times(averageDecay, -1), 1)));
  return { weights, firstMoments, secondMoments, average, gradientNorm };
}

/** β·old + (1 − β)·fresh */
const mix = (old: Value, fresh: Value, beta: number): Value => add(times(old, beta), times(fresh, 1 - beta));

const times = (x: Value, factor: number): Value => multiply(x, scalar(x, factor));
const plus = (x: Value, summand: number): Value => add(x, scalar(x, summand));
const atMostOne = (x: Value): Value => subtract(scalar(x, 1), relu(subtract(scalar(x, 1), x)));
