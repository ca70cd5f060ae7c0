import type { Value } from "#lib/onnx/graph.ts";
import { add, matmulTransposed } from "#lib/onnx/ops/math.ts";
import type { Scope } from "./scope.ts";

/** x·Wᵀ + b: [..., in] → [..., out]. */
export function linear(scope: Scope, x: Value, out: number, { bias = true } = {}): Value {
  const y = matmulTransposed(x, scope.weight([out, Number(x.shape.at(-1))]));
  return bias ? add(y, scope.bias(out)) : y;
}
