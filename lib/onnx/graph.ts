import type { Dtype } from "#lib/tensor/dtype.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import type { ElementType, FloatType, Shape, StoredType } from "./shape.ts";
import type { Op } from "./op.ts";

/** A tensor that some node, input or initializer of `graph` yields. */
export interface Value {
  readonly graph: Graph;
  readonly name: string;
  readonly shape: Shape;
  readonly type: ElementType;
}

/** Bytes [begin, end) of a weights file, which the runtime maps into memory where they lie. */
export interface ExternalTensor {
  /** Absolute, with symbolic links resolved: the runtime refuses links that leave its root. */
  readonly path: string;
  readonly name: string;
  readonly dtype: Dtype;
  readonly shape: readonly number[];
  readonly begin: number;
  readonly end: number;
  /** The bytes hold the transpose: `shape` is [n, m], and they are m rows of n numbers. */
  readonly transposed?: true;
}

/** What a node yields: its shape and type follow from its inputs, and the functions of `ops/` work them out. */
export interface Result {
  readonly shape: Shape;
  readonly type: ElementType;
}

export interface Node {
  readonly op: Op;
  readonly inputs: readonly Value[];
  readonly outputs: readonly Value[];
  /** Nodes with the same number belong to one part of the network; null where none was named. */
  readonly block: number | null;
}

/** Where the numbers of a constant come from; `unknown` ones can be counted and checked, and not run. */
export type Initializer =
  | { readonly value: Value; readonly data: Float32Array }
  | { readonly value: Value; readonly external: ExternalTensor }
  | { readonly value: Value; readonly unknown: true };

const elementTypes: Partial<Record<Dtype, FloatType | StoredType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
  F8_E4M3: "float8e4m3",
  F8_E5M2: "float8e5m2",
};

/** Raised for a graph that is wrong by construction: our mistake, never the input's. */
const mistake = (message: string): Error => new Error(`graph: ${message}`);

/**
 * A network as a list of operators in the order they run. The functions of `ops/` append nodes and work out shapes and types, so
 * a mistake is found, with both shapes named, while the graph is built.
 */
export class Graph {
  readonly name: string;
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  readonly #externals = new Map<string, Value>();
  #count = 0;
  #block: number | null = null;
  #blocks = 0;

  constructor(name: string) {
    this.name = name;
  }

  input(name: string, shape: Shape, type: ElementType = "float32"): Value {
    const value: Value = { graph: this, name, shape, type };
    this.inputs.push(value);
    return value;
  }

  output(name: string, value: Value): void {
    this.outputs.push({ name, value });
  }

  /** A number array written into the model itself, in `type`: tables, scales. Weights belong in `external`. */
  constant(tensor: FloatTensor, type: FloatType = "float32"): Value {
    const value = this.#value("constant", { shape: tensor.shape, type });
    this.initializers.push({ value, data: tensor.data });
    return value;
  }

  /** A weight in its own file, in its own type; the same bytes are declared once. */
  external(tensor: ExternalTensor): Value {
    const { path, begin, shape, transposed } = tensor;
    const key = `${path}:${begin}:${shape.join()}:${transposed ?? false}`;
    const known = this.#externals.get(key);
    if (known) return known;
    const type = elementTypes[tensor.dtype];
    if (!type) throw mistake(`no element type for ${tensor.dtype}, the type of ${tensor.name}`);
    const stored = this.#value("weight", { shape: transposed ? shape.toReversed() : shape, type });
    this.initializers.push({ value: stored, external: tensor });
    const value = transposed ? this.append({ type: "Transpose", order: [1, 0] }, [stored], { shape, type }) : stored;
    this.#externals.set(key, value);
    return value;
  }

  /** A weight of which only the shape is known. A graph that holds one can be looked at, and not be opened. */
  unknown(shape: readonly number[]): Value {
    const value = this.#value("unknown", { shape, type: "float32" });
    this.initializers.push({ value, unknown: true });
    return value;
  }

  append(op: Op, inputs: readonly Value[], result: Result): Value {
    return this.appendOfMany(op, inputs, [result])[0]!;
  }

  /** A node with several outputs, such as Split. */
  appendOfMany(op: Op, inputs: readonly Value[], results: readonly Result[]): Value[] {
    for (const input of inputs) {
      if (input.graph !== this) throw mistake(`${op.type} in "${this.name}" takes a value of "${input.graph.name}"`);
    }
    const outputs = results.map((result) => this.#value(op.type, result));
    this.nodes.push({ op, inputs, outputs, block: this.#block });
    return outputs;
  }

  /**
   * Marks what `build` appends as one part of the network, such as a residual block: the unit in which whoever differentiates may
   * keep the inputs alone and compute the rest once more. A part within a part belongs to the outer one.
   */
  asBlock<T>(build: () => T): T {
    if (this.#block !== null) return build();
    this.#block = this.#blocks++;
    try {
      return build();
    } finally {
      this.#block = null;
    }
  }

  #value(stem: string, { shape, type }: Result): Value {
    return { graph: this, name: `${stem}_${this.#count++}`, shape, type };
  }
}

export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;
