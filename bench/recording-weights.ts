import type { ExternalTensor } from "#lib/onnx/graph.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";

/** Weights that have whatever a network asks for, and remember it: what a config calls for, without a file. */
export class RecordingWeights extends WeightMap {
  readonly asked = new Map<string, readonly number[]>();

  constructor() {
    super("a network without a file", []);
  }

  override take(name: string, shape: readonly number[]): ExternalTensor {
    this.asked.set(name, shape);
    return { path: `/${name}`, name, dtype: "F32", shape, begin: 0, end: 4 * sizeOf(shape) };
  }

  override requireAllTaken(): void {}

  override get parameters(): number {
    return [...this.asked.values()].reduce((sum, shape) => sum + sizeOf(shape), 0);
  }
}
