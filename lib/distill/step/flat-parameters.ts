import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { reshape, split } from "#lib/onnx/ops/shape.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { ParameterLayout } from "./parameter-layout.ts";

/** Parameters that are pieces of one vector, so that a gradient, an optimizer and a file see one tensor. */
export function flatParameters(vector: Value, { parameters }: ParameterLayout): ParametersOf {
  const sizes = parameters.map(({ shape }) => sizeOf(shape));
  const pieces = split(vector, 0, sizes);
  const byName = new Map(parameters.map(({ name, shape }, i) => [name, reshape(pieces[i]!, shape)]));
  return () => ({ take: (name) => byName.get(name)! });
}
