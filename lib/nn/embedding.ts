import type { Value } from "#lib/onnx/graph.ts";
import { cosine, multiply, sine } from "#lib/onnx/ops/math.ts";
import { concat, reshape } from "#lib/onnx/ops/shape.ts";
import { type Activation, activations } from "./activation.ts";
import { linear } from "./linear.ts";
import type { Scope } from "./scope.ts";

export interface SinusoidOptions {
  /** Cosines before sines (`flip_sin_to_cos`). */
  readonly cosineFirst?: boolean;
  /** `freq_shift`: taken off the number of frequencies in the exponent. */
  readonly shift?: number;
}

/**
 * [B, …] → [B, …, size]: cos and sin of value · 10000^(−k / (size/2 − shift)) for k = 0 … size/2 − 1
 * (Vaswani et al. 2017, arXiv 1706.03762, §3.5).
 */
export function sinusoid(value: Value, size: number, { cosineFirst = true, shift = 0 }: SinusoidOptions = {}): Value {
  const half = size >> 1;
  const frequencies = Float32Array.from({ length: half }, (_, k) => Math.exp((-Math.log(10000) * k) / (half - shift)));
  const angles = multiply(
    reshape(value, [...value.shape, 1]),
    value.graph.constant({ data: frequencies, shape: [half] }),
  );
  const [cos, sin] = [cosine(angles), sine(angles)];
  return concat(cosineFirst ? [cos, sin] : [sin, cos], value.shape.length);
}

/** Linear(act(Linear(x))): how a sinusoid becomes an embedding of `size`. */
export function embeddingLayers(scope: Scope, x: Value, size: number, activation: Activation = "silu"): Value {
  return linear(scope.at("linear_2"), activations[activation](linear(scope.at("linear_1"), x, size)), size);
}
