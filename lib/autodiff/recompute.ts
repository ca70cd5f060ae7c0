import type { Graph, Node, Value } from "#lib/onnx/graph.ts";
import { add, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { cut, reshape } from "#lib/onnx/ops/shape.ts";

/**
 * Computes blocks of a network a second time when their turn in the backward pass comes, so that between the two passes only what
 * enters a block is kept (Chen et al. 2016, arXiv 1604.06174).
 */
export class Recomputation {
  readonly #graph: Graph;
  readonly #blocks: ReadonlyMap<number | null, readonly Node[]>;
  readonly #isData: ReadonlySet<Value>;
  /** By block: its values and their copies. */
  readonly #copies = new Map<number, ReadonlyMap<Value, Value>>();

  constructor(graph: Graph, targets: readonly Value[]) {
    this.#graph = graph;
    this.#blocks = Map.groupBy(graph.nodes, ({ block }) => block);
    const data = new Set(graph.inputs.filter((input) => !targets.includes(input)));
    for (const { inputs, outputs } of graph.nodes)
      if (inputs.some((input) => data.has(input))) for (const output of outputs) data.add(output);
    this.#isData = data;
  }

  /** The node as a rule shall see it: on copies that are computed after the gradient `dy` is there. */
  of(node: Node, dy: Value): Node {
    const { block } = node;
    if (block === null) return node;
    const copies = this.#copies.get(block) ?? this.#computeAgain(this.#blocks.get(block)!, dy);
    this.#copies.set(block, copies);
    const copyOf = (value: Value): Value => copies.get(value) ?? value;
    return { ...node, inputs: node.inputs.map(copyOf), outputs: node.outputs.map(copyOf) };
  }

  /** Nodes that hang on weights alone are not data: they are not computed again. */
  #computeAgain(nodes: readonly Node[], dy: Value): ReadonlyMap<Value, Value> {
    const zero = zeroAfter(dy);
    const copies = new Map<Value, Value>();
    const within = new Set(nodes.flatMap(({ outputs }) => outputs));
    const copyOf = (value: Value): Value => {
      if (within.has(value) || !this.#isData.has(value)) return copies.get(value) ?? value;
      const entered = copies.get(value) ?? add(value, zero);
      copies.set(value, entered);
      return entered;
    };
    for (const { op, inputs, outputs } of nodes) {
      if (!inputs.some((input) => this.#isData.has(input))) continue;
      const again = this.#graph.appendOfMany(op, inputs.map(copyOf), outputs);
      outputs.forEach((output, i) => copies.set(output, again[i]!));
    }
    return copies;
  }
}

/**
 * Zero, made of the gradient's first element. Added to what enters a block it makes the second computation wait until the backward
 * pass has come there; without it the runtime would see the same nodes twice, merge them, and keep all that they yield.
 */
function zeroAfter(dy: Value): Value {
  const firsts = dy.shape.map((_dim, axis) => ({ axis, begin: 0, end: 1, step: 1 }));
  return multiply(firsts.length === 0 ? dy : reshape(cut(dy, firsts), []), scalar(dy, 0));
}
