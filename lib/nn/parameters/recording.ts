import type { Graph, Value } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { Parameters } from "./parameters.ts";

/** Parameters of which only the shapes are known: whatever a network asks for is there, and is remembered. */
export class RecordingParameters {
  readonly shapes = new Map<string, readonly number[]>();

  readonly of = (graph: Graph): Parameters => ({
    take: (name, shape): Value => {
      this.shapes.set(name, shape);
      return graph.unknown(shape);
    },
  });

  /** How many numbers they are together. */
  get count(): number {
    return this.shapes.values().reduce((sum, shape) => sum + sizeOf(shape), 0);
  }
}
