import type { Value } from "../graph.ts";
import type { FloatType } from "../shape.ts";
import { commonType } from "./math.ts";

/** Zero mean and unit variance along the last axis of each [B, C, n] row, without scale or shift. */
export function instanceNorm(x: Value, epsilon: number): Value {
  const channels = Number(x.shape[1]);
  const fill = (number: number): Value =>
    x.graph.constant({ data: new Float32Array(channels).fill(number), shape: [channels] }, x.type as FloatType);
  return x.graph.append({ type: "InstanceNorm", epsilon }, [x, fill(1), fill(0)], { shape: x.shape, type: x.type });
}

/** Over the last axis, with scale and shift [D]: [..., D] → [..., D]. */
export function layerNorm(x: Value, scale: Value, shift: Value, epsilon: number): Value {
  const type = commonType("LayerNorm", x, scale, shift);
  return x.graph.append({ type: "LayerNorm", epsilon }, [x, scale, shift], { shape: x.shape, type });
}
