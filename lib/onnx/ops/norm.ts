import type { Value } from "../graph.ts";

/** Zero mean and unit variance along the last axis of each [B, C, n] row, without scale or shift. */
export function instanceNorm(x: Value, epsilon: number): Value {
  const channels = Number(x.shape[1]);
  const fill = (number: number): Value =>
    x.graph.constant({ data: new Float32Array(channels).fill(number), shape: [channels] });
  return x.graph.node("InstanceNormalization", [x, fill(1), fill(0)], x.shape, {
    attributes: { epsilon: { float: epsilon } },
  });
}

/** Over the last axis, with scale and shift [D]: [..., D] → [..., D]. */
export function layerNorm(x: Value, scale: Value, shift: Value, epsilon: number): Value {
  return x.graph.node("LayerNormalization", [x, scale, shift], x.shape, {
    attributes: { axis: -1, epsilon: { float: epsilon } },
  });
}
