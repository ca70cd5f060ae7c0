import type { Value } from "#lib/onnx/graph.ts";
import { multiply, scalar } from "#lib/onnx/ops/math.ts";

export const negative = (x: Value): Value => scaled(x, -1);

export const scaled = (x: Value, factor: number): Value => (factor === 1 ? x : multiply(x, scalar(x, factor)));
