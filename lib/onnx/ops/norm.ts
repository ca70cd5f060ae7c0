import type { Result, Value } from "../graph.ts";
import { commonType } from "./math.ts";

/** Zero mean and unit variance along the last axis of each [B, C, n] row, without scale or shift. */
export const instanceNorm = (x: Value, epsilon: number): Value =>
  x.graph.appendOfMany({ type: "InstanceNorm", epsilon }, [x], withStatistics(x))[0]!;

/** Over the last axis, with scale and shift [D]: [..., D] → [..., D]. */
export function layerNorm(x: Value, scale: Value, shift: Value, epsilon: number): Value {
  commonType("LayerNorm", x, scale, shift);
  return x.graph.appendOfMany({ type: "LayerNorm", epsilon }, [x, scale, shift], withStatistics(x))[0]!;
}

/** What a norm yields beside its result, for whoever differentiates: mean and 1 / √(variance + ε), each [..., 1]. */
function withStatistics({ shape, type }: Value): Result[] {
  const statistic: Result = { shape: [...shape.slice(0, -1), 1], type };
  return [{ shape, type }, statistic, statistic];
}
