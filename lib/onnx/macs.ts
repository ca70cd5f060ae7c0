import type { Graph, Node, Value } from "./graph.ts";
import type { Dim, Shape } from "./shape.ts";
import type { OpType } from "./op.ts";
import { readValues } from "./needed.ts";

/** Multiply–accumulates of one run, by kind. Element-wise work is not counted, as is the custom. */
export interface Macs {
  readonly convolution: number;
  readonly linear: number;
  readonly attention: number;
  readonly total: number;
}

/** Exact, from shapes. What depends on weights alone (a merged low-rank layer) is folded at load and costs nothing per run. */
export function countMacs(graph: Graph, batch = 1): Macs {
  const sums = { convolution: 0, linear: 0, attention: 0 };
  for (const node of runNodes(graph)) {
    const kind = kindOf[node.op.type];
    if (kind) sums[kind] += macsOf(node, batch);
  }
  return { ...sums, total: sums.convolution + sums.linear + sums.attention };
}

/** The nodes that depend on an input, for an output; the rest is constant and folded when the graph is opened, or left out. */
export function* runNodes(graph: Graph): Generator<Node> {
  const live = new Set<Value>(graph.inputs);
  const read = readValues(graph);
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => live.has(input)) || !node.outputs.some((output) => read.has(output))) continue;
    for (const output of node.outputs) live.add(output);
    yield node;
  }
}

const kindOf: Partial<Record<OpType, "convolution" | "linear" | "attention">> = {
  Convolution: "convolution",
  ConvolutionTransposed: "convolution",
  MatMul: "linear",
  Attention: "attention",
};

/** How many elements a shape has, for a batch of that size. */
export const volumeOf = (shape: Shape, batch: number): number =>
  shape.reduce<number>((size, dim: Dim) => size * (dim === "batch" ? batch : dim), 1);

function macsOf({ op, inputs, outputs }: Node, batch: number): number {
  const [a, b] = inputs as [Value, Value];
  const output = volumeOf(outputs[0]!.shape, batch);
  if (op.type === "Convolution") return output * volumeOf(b.shape.slice(1), batch);
  if (op.type === "ConvolutionTransposed") return volumeOf(a.shape, batch) * volumeOf(b.shape.slice(1), batch);
  if (op.type === "Attention") return 2 * volumeOf(a.shape, batch) * Number(b.shape[1]); // q·kᵀ and scores·v
  return output * Number(a.shape.at(op.type === "MatMul" && op.transposeLeft ? -2 : -1));
}
