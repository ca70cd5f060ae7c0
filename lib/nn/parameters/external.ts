import type { FloatType } from "#lib/onnx/shape.ts";
import { cast } from "#lib/onnx/ops/math.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import type { ParametersOf } from "./parameters.ts";

/** Parameters that lie in weights files, in `type` whatever their files hold. @throws what `WeightMap.take` throws */
export const externalParameters =
  (weights: WeightMap, type: FloatType = "float32"): ParametersOf =>
  (graph) => ({ take: (name, shape) => cast(graph.external(weights.take(name, shape)), type) });
