import type { Value } from "#lib/onnx/graph.ts";
import type { Padding } from "#lib/onnx/op.ts";
import { conv, evenPadding } from "#lib/onnx/ops/conv.ts";
import type { Scope } from "./scope.ts";

/** A k×k convolution with bias, padded so that stride 1 keeps the size: [B, C, H, W] → [B, out, ⌈H/stride⌉, ⌈W/stride⌉]. */
export function convolution(
  scope: Scope,
  x: Value,
  out: number,
  kernel: number,
  { stride = 1, padding = evenPadding(kernel >> 1) }: { stride?: number; padding?: Padding } = {},
): Value {
  return conv(x, scope.weight([out, Number(x.shape[1]), kernel, kernel]), scope.bias(out), { stride, padding });
}
