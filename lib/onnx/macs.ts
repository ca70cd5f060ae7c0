import type { Dim, Graph, Node, Shape, Value } from "./graph.ts";

/** Multiply–accumulates of one run, by kind. Element-wise work is not counted, as is the custom. */
export interface Macs {
  readonly convolution: number;
  readonly linear: number;
  readonly attention: number;
  readonly total: number;
}

/** Exact, from shapes. What depends on weights alone (a merged low-rank layer) is folded at load and costs nothing per run. */
export function countMacs(graph: Graph, batch = 1): Macs {
  const live = new Set<Value>(graph.inputs);
  const sums = { convolution: 0, linear: 0, attention: 0 };
  for (const node of graph.nodes) {
    if (!node.inputs.some((input) => input && live.has(input))) continue;
    for (const output of node.outputs) live.add(output);
    const kind = kindOf[node.op];
    if (kind) sums[kind] += macsOf(node, batch);
  }
  return { ...sums, total: sums.convolution + sums.linear + sums.attention };
}

const kindOf: Record<string, "convolution" | "linear" | "attention" | undefined> = {
  Conv: "convolution",
  MatMul: "linear",
  FusedMatMul: "linear",
  MultiHeadAttention: "attention",
};

function macsOf(node: Node, batch: number): number {
  const volume = (shape: Shape): number =>
    shape.reduce<number>((size, dim: Dim) => size * (dim === "batch" ? batch : dim), 1);
  const [a, b] = node.inputs as [Value, Value];
  const output = volume(node.outputs[0]!.shape);
  if (node.op === "Conv") return output * volume(b.shape.slice(1));
  if (node.op === "MultiHeadAttention") return 2 * volume(a.shape) * Number(b.shape[1]); // q·kᵀ and scores·v
  return output * Number(a.shape.at(-1));
}
