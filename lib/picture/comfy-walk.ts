import type { ComfyGraph, ComfyNode } from "./comfy-graph.ts";

/** Follows the links of a stranger's graph: each walk ends, whatever circles it holds. */
export class ComfyWalk {
  readonly #graph: ComfyGraph;

  constructor(graph: ComfyGraph) {
    this.#graph = graph;
  }

  get nodes(): ComfyNode[] {
    return [...this.#graph.values()];
  }

  /** The node that an input is linked to. */
  source(node: ComfyNode, input: string): ComfyNode | null {
    const value = Object.hasOwn(node.inputs, input) ? node.inputs[input] : undefined;
    return this.#linked(value);
  }

  /** All nodes that a node is linked to, by any input. */
  sources(node: ComfyNode): ComfyNode[] {
    return Object.values(node.inputs).flatMap((value) => this.#linked(value) ?? []);
  }

  /** From a node upstream along the first of `inputs` that is linked, that node first. */
  *chain(begin: ComfyNode | null, inputs: readonly string[]): Generator<ComfyNode> {
    const seen = new Set<ComfyNode>();
    for (let node = begin; node !== null && !seen.has(node) && seen.size < MAX_CHAIN;) {
      seen.add(node);
      yield node;
      const from = node;
      node = inputs.map((input) => this.source(from, input)).find((source) => source !== null) ?? null;
    }
  }

  /** Everything upstream of some nodes, nearest first, with them. */
  upstream(begin: readonly ComfyNode[]): ComfyNode[] {
    const found = new Set(begin);
    for (const node of found) for (const source of this.sources(node)) found.add(source); // a set goes on over what is added to it
    return [...found];
  }

  /**
   * What an input holds: a value as it is typed, or that of the node it is linked to, where that node only holds one.
   */
  value(node: ComfyNode, input: string): string | number | null {
    let value = Object.hasOwn(node.inputs, input) ? node.inputs[input] : null;
    for (let step = 0; step < MAX_VALUE_LINKS; step++) {
      if (typeof value === "string" || typeof value === "number") return value;
      const holder = this.#linked(value);
      if (!holder) return null;
      const name = holderInputs.find((one) => Object.hasOwn(holder.inputs, one));
      value = name === undefined ? null : holder.inputs[name];
    }
    return null;
  }

  #linked(value: unknown): ComfyNode | null {
    if (!Array.isArray(value) || value.length !== 2) return null;
    const [id] = value as unknown[];
    return typeof id === "string" || typeof id === "number" ? (this.#graph.get(String(id)) ?? null) : null;
  }
}

const MAX_CHAIN = 500;
const MAX_VALUE_LINKS = 16;

/** How nodes that hold one value call it. */
const holderInputs = [
  "value",
  "Value",
  "seed",
  "int",
  "float",
  "number",
  "Number",
  "text",
  "string",
  "String",
  "prompt",
];
