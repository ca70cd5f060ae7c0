import type { Graph, Value } from "#lib/onnx/graph.ts";
import type { Parameters, ParametersOf } from "./parameters/parameters.ts";

/** A place in a network: where its nodes go, where its parameters come from, and the dotted path that names them. */
export class Scope {
  readonly graph: Graph;
  readonly #parameters: Parameters;
  readonly #path: string;

  private constructor(graph: Graph, parameters: Parameters, path: string) {
    this.graph = graph;
    this.#parameters = parameters;
    this.#path = path;
  }

  /** The outermost place of a network. */
  static in(graph: Graph, parameters: ParametersOf): Scope {
    return new Scope(graph, parameters(graph), "");
  }

  at(name: string): Scope {
    return new Scope(this.graph, this.#parameters, this.#path ? `${this.#path}.${name}` : name);
  }

  parameter(name: string, shape: readonly number[]): Value {
    return this.#parameters.take(this.#path ? `${this.#path}.${name}` : name, shape);
  }

  /** The weight of a linear or convolution layer. */
  weight(shape: readonly number[]): Value {
    return this.parameter("weight", shape);
  }

  bias(size: number): Value {
    return this.parameter("bias", [size]);
  }
}
