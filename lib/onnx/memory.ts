import type { Graph, Node, Value } from "./graph.ts";
import { runNodes, volumeOf } from "./macs.ts";
import type { Optimization } from "./optimization.ts";
import type { ElementType } from "./shape.ts";

/** What a graph takes of memory, in bytes, worked out from its shapes before it is opened. */
export interface GraphMemory {
  /** Its weights, once it is open. */
  readonly weights: number;
  /** The most while it is opened: weights that are converted or laid out anew exist twice for a moment. */
  readonly opening: number;
  /** What a run takes beside the weights. The runtime keeps it for the next run, until the graph is closed. */
  readonly running: number;
}

export interface MemoryOptions {
  readonly batch: number;
  readonly optimization: Optimization;
  /** Whether its weights lie in float32 in their files, so that they are mapped; others are converted into memory of their own. */
  readonly mapped: boolean;
}

/** For onnxruntime 1.30 on a processor. Beside real processes: `npm run bench -- memory`. */
export function memoryOf(graph: Graph, { batch, optimization, mapped }: MemoryOptions): GraphMemory {
  const weights = sum(graph.initializers.map(({ value }) => bytesOf(value, 1)));
  const outputs = sum(graph.outputs.map(({ value }) => bytesOf(value, batch)));
  const twice = optimization === "all" && !mapped ? OPENED_TWICE : 1;
  return {
    weights: weights + GRAPH_BYTES,
    opening: twice * weights + GRAPH_BYTES,
    running: ARENA * peakBytes(graph, batch) + outputs, // which come back as copies
  };
}

/** The graph itself and what the runtime notes about it. */
const GRAPH_BYTES = 12e6;

/** Weights that are converted and then laid out in blocks: 1.7 of their size on 569 MB, 2.1 on 198 MB. */
const OPENED_TWICE = 1.8;

/** What the runtime's allocator takes for what it gives out: 1.08 to 1.18, most where a few large tensors are all there is. */
const ARENA = 1.15;

/**
 * The most bytes that one run holds. The runtime plans it when a graph is opened, before it knows the batch: a tensor takes over the
 * piece of memory of one of exactly its shape that nobody reads any more, and a piece is given back only after the last tensor
 * that will have it. So a run holds several times what is read at any moment, most where shapes differ from layer to layer.
 */
export function peakBytes(graph: Graph, batch: number): number {
  const nodes = [...runNodes(graph)];
  const pieces = planPieces(graph, nodes);
  const begins = Map.groupBy(pieces, ({ first }) => first);
  const ends = Map.groupBy(pieces, ({ last }) => last);
  const bytes = (some: readonly Piece[] = []): number => sum(some.map(({ value }) => bytesOf(value, batch)));
  let [live, peak] = [0, 0];
  nodes.forEach((node, i) => {
    live += bytes(begins.get(i));
    peak = Math.max(peak, live + scratchBytes(node, batch));
    live -= bytes(ends.get(i));
  });
  return peak;
}

/** A piece of memory, from the node that writes it first to the node that reads it last. */
interface Piece {
  /** The first that has it. */
  readonly value: Value;
  readonly first: number;
  last: number;
  /** Reads that are still to come, of all values that have it now. */
  reads: number;
}

function planPieces(graph: Graph, nodes: readonly Node[]): Piece[] {
  const reads = new Map<Value, number>();
  const count = (value: Value): unknown => reads.set(value, (reads.get(value) ?? 0) + 1);
  for (const { inputs } of nodes) inputs.forEach(count);
  graph.outputs.forEach(({ value }) => count(value));
  const within = withinKernels(nodes);

  const [all, idle, pieceOf]: [Piece[], Piece[], Map<Value, Piece>] = [[], [], new Map()];
  nodes.forEach((node, i) => {
    for (const output of node.outputs) {
      if (within.has(output) || !reads.has(output)) continue; // statistics of a norm are only written where somebody reads them
      const same = node.op.type === "Reshape" ? pieceOf.get(node.inputs[0]!) : takeIdle(idle, output);
      const piece = same ?? { value: output, first: i, last: i, reads: 0 };
      if (!same) all.push(piece);
      piece.reads += reads.get(output) ?? 0;
      pieceOf.set(output, piece);
    }
    for (const value of [...node.inputs, ...node.outputs]) {
      const piece = pieceOf.get(value);
      if (!piece) continue; // a weight, what the caller brings, or what stays within a kernel
      if (node.inputs.includes(value)) piece.reads--;
      piece.last = i;
      if (piece.reads === 0 && !idle.includes(piece)) idle.unshift(piece);
    }
  });
  for (const piece of all) if (piece.reads > 0) piece.last = nodes.length; // an output
  return all;
}

function takeIdle(idle: Piece[], output: Value): Piece | undefined {
  const place = idle.findIndex(({ value }) => isSameShape(value, output));
  return place < 0 ? undefined : idle.splice(place, 1)[0];
}

const isSameShape = (a: Value, b: Value): boolean =>
  a.type === b.type && a.shape.length === b.shape.length && a.shape.every((dim, axis) => dim === b.shape[axis]);

/** What the runtime computes in passing: σ(x) of x · σ(x), and all of a GELU but its result. */
function withinKernels(nodes: readonly Node[]): Set<Value> {
  const readers = new Map<Value, Node[]>();
  for (const node of nodes)
    for (const input of new Set(node.inputs)) {
      const known = readers.get(input);
      if (known) known.push(node);
      else readers.set(input, [node]);
    }
  const onlyReader = (value: Value): Node | null => (readers.get(value)?.length === 1 ? readers.get(value)![0]! : null);
  const within = new Set<Value>();
  for (const { op, inputs, outputs } of nodes) {
    const [output] = outputs as [Value];
    if (op.type === "Sigmoid" && onlyReader(output)?.inputs.includes(inputs[0]!)) within.add(output);
    if (op.type !== "Erf") continue;
    const sum = onlyReader(output)?.outputs[0];
    const product = sum && onlyReader(sum)?.outputs[0];
    if (product) for (const value of [inputs[0]!, output, sum, product]) within.add(value);
  }
  return within;
}

/**
 * What a kernel takes for itself. Attention turns its inputs so that each head lies together; only the causal form of text encoders
 * holds all scores. Convolutions take next to nothing.
 */
function scratchBytes({ op, inputs }: Node, batch: number): number {
  if (op.type !== "Attention") return 0;
  const [query, key] = inputs as [Value, Value];
  const scores = op.causal ? 4 * batch * op.heads * Number(query.shape[1]) * Number(key.shape[1]) : 0;
  return scores + sum(inputs.map((input) => bytesOf(input, batch)));
}

const bytesOf = ({ shape, type }: Value, batch: number): number => elementBytes[type] * volumeOf(shape, batch);

const elementBytes: Readonly<Record<ElementType, number>> = {
  float8e4m3: 1,
  float8e5m2: 1,
  float16: 2,
  bfloat16: 2,
  float32: 4,
  int32: 4,
  float64: 8,
  int64: 8,
};

const sum = (numbers: readonly number[]): number => numbers.reduce((total, one) => total + one, 0);
