import type { Graph, Value } from "#lib/onnx/graph.ts";
import { add, matmul, multiply, scalar, toFloat32 } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import type { LowRankLayers } from "#lib/weights/low-rank.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";

/** A place in a network: where its nodes go, where its weights come from, and the dotted path that names them. */
export class Scope {
  readonly graph: Graph;
  readonly #weights: WeightMap;
  readonly #lowRank: readonly LowRankLayers[];
  readonly #path: string;

  constructor(graph: Graph, weights: WeightMap, lowRank: readonly LowRankLayers[] = [], path = "") {
    this.graph = graph;
    this.#weights = weights;
    this.#lowRank = lowRank;
    this.#path = path;
  }

  at(name: string): Scope {
    return new Scope(this.graph, this.#weights, this.#lowRank, this.#path ? `${this.#path}.${name}` : name);
  }

  /** A parameter in float32, whatever its file holds. */
  parameter(name: string, shape: readonly number[]): Value {
    return toFloat32(this.graph.external(this.#weights.take(`${this.#path}.${name}`, shape)));
  }

  /**
   * The weight of a linear or convolution layer, W + Σ scale · up·down over the low-rank files (Hu et al. 2021, arXiv
   * 2106.09685, eq. 3). All of it is constant, so the runtime folds it once, when the graph is opened.
   */
  weight(shape: readonly number[]): Value {
    let weight = this.parameter("weight", shape);
    for (const layers of this.#lowRank) {
      const layer = layers.take(this.#path, shape);
      if (!layer) continue;
      const [rank, rest] = [layer.down.shape[0]!, shape.slice(1).reduce((size, dim) => size * dim, 1)];
      const up = reshape(toFloat32(this.graph.external(layer.up)), [shape[0]!, rank]);
      const down = reshape(toFloat32(this.graph.external(layer.down)), [rank, rest]);
      weight = add(weight, reshape(multiply(matmul(up, down), scalar(up, layer.scale)), shape));
    }
    return weight;
  }

  bias(size: number): Value {
    return this.parameter("bias", [size]);
  }
}
