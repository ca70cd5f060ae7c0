import type { Value } from "#lib/onnx/graph.ts";
import type { Dim } from "#lib/onnx/shape.ts";
import { reshape, transpose } from "#lib/onnx/ops/shape.ts";

/** [B, C, H, W] → [B, H·W, C]: pixels as a sequence, for attention. */
export function toSequence(x: Value): Value {
  const [batch, channels, height, width] = x.shape as [Dim, number, number, number];
  return transpose(reshape(x, [batch, channels, height * width]), [0, 2, 1]);
}

/** [B, H·W, C] → [B, C, H, W], with the height and width of `like`. */
export function toPixels(x: Value, like: Value): Value {
  const [batch, , channels] = x.shape as [Dim, number, number];
  return reshape(transpose(x, [0, 2, 1]), [batch, channels, like.shape[2]!, like.shape[3]!]);
}
