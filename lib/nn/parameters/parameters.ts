import type { Graph, Value } from "#lib/onnx/graph.ts";

/**
 * Where the parameters of a network come from. A network asks for each by its dotted name and its shape; what it gets may lie in a
 * file, be merged with adapters, or be known by its shape alone.
 */
export interface Parameters {
  /** @param name  such as "down_blocks.0.resnets.0.conv1.weight" */
  take(name: string, shape: readonly number[]): Value;
}

/** Parameters are values of one graph, so whoever builds the graph asks for them. */
export type ParametersOf = (graph: Graph) => Parameters;
