import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { generatorFor, uniform } from "./random.ts";
import { type ParameterLayout, parameterLayout } from "./step/parameter-layout.ts";
import type { TrainingState } from "./step/training-step.ts";

/**
 * A guide before its first step. Layers begin as PyTorch's do, uniform within ± 1/√(fan in), weight and bias alike, and norms as the
 * identity; what goes into the base is zero, so that the base predicts as it would by itself.
 */
export function freshState(config: GuideConfig, seed: number): TrainingState {
  const layout = parameterLayout(config);
  const weights = new Float32Array(layout.length);
  const fans = fansOf(layout);
  for (const { name, shape, offset } of layout.parameters)
    fill(weights.subarray(offset, offset + sizeOf(shape)), name, fans, seed);
  return {
    weights,
    firstMoments: new Float32Array(layout.length),
    secondMoments: new Float32Array(layout.length),
    average: weights.slice(),
    steps: 0,
  };
}

function fill(values: Float32Array, name: string, fans: ReadonlyMap<string, number>, seed: number): void {
  const path = name.slice(0, name.lastIndexOf("."));
  const fan = fans.get(path);
  if (/^(zero_convs\.\d+|mid_zero_conv)$/.test(path)) return;
  if (fan === undefined) {
    values.fill(name.endsWith(".weight") ? 1 : 0); // a norm
    return;
  }
  const generator = generatorFor(seed, "initial", name);
  const bound = 1 / Math.sqrt(fan);
  for (let i = 0; i < values.length; i++) values[i] = bound * (2 * uniform(generator) - 1);
}

/** How many numbers each number of a layer's output is made of, by the layer's path; norms have none. */
const fansOf = ({ parameters }: ParameterLayout): ReadonlyMap<string, number> =>
  new Map(
    parameters
      .filter(({ name, shape }) => name.endsWith(".weight") && shape.length >= 2)
      .map(({ name, shape }) => [name.slice(0, -".weight".length), sizeOf(shape.slice(1))]),
  );
