import type { Graph, Value } from "#lib/onnx/graph.ts";
import { add, cast, matmul, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import type { LowRankLayers } from "#lib/weights/low-rank.ts";
import type { ParametersOf } from "./parameters.ts";

/**
 * Parameters merged with low-rank files: W + Σ scale · up·down (Hu et al. 2021, arXiv 2106.09685, eq. 3). All of it is constant, so
 * the runtime folds it once, when the graph is opened.
 */
export const adaptedParameters =
  (base: ParametersOf, lowRank: readonly LowRankLayers[]): ParametersOf =>
  (graph) => {
    const parameters = base(graph);
    return {
      take(name, shape) {
        const value = parameters.take(name, shape);
        return name.endsWith(".weight") ? merged(graph, value, name.slice(0, -".weight".length), lowRank) : value;
      },
    };
  };

function merged(graph: Graph, weight: Value, path: string, lowRank: readonly LowRankLayers[]): Value {
  const shape = weight.shape as readonly number[];
  for (const layers of lowRank) {
    const layer = layers.take(path, shape);
    if (!layer) continue;
    const [rank, rest] = [layer.down.shape[0]!, shape.slice(1).reduce((size, dim) => size * dim, 1)];
    const up = reshape(cast(graph.external(layer.up), "float32"), [shape[0]!, rank]);
    const down = reshape(cast(graph.external(layer.down), "float32"), [rank, rest]);
    const change = reshape(multiply(matmul(up, down), scalar(up, layer.scale)), shape);
    weight = add(weight, cast(change, weight.type));
  }
  return weight;
}
