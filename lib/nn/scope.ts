import type { Graph, Value } from "#lib/onnx/graph.ts";
import { toFloat32 } from "#lib/onnx/ops/math.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import { adaptedBias, adaptedWeight } from "./adapted-weight.ts";

/** A place in a network: where its nodes go, where its weights come from, and the dotted path that names them. */
export class Scope {
  readonly graph: Graph;
  readonly #weights: WeightMap;
  readonly #lowRank: readonly AdapterLayers[];
  readonly #path: string;

  constructor(graph: Graph, weights: WeightMap, lowRank: readonly AdapterLayers[] = [], path = "") {
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

  /** The weight of a linear or convolution layer, with what the adapters change of it. */
  weight(shape: readonly number[]): Value {
    const changes = this.#lowRank.flatMap((layers) => layers.take(this.#path, shape) ?? []);
    return adaptedWeight(this.parameter("weight", shape), changes);
  }

  /** Its bias, likewise. */
  bias(size: number): Value {
    const changes = this.#lowRank.flatMap((layers) => layers.takeBias(this.#path, size) ?? []);
    return adaptedBias(this.parameter("bias", [size]), changes);
  }
}
