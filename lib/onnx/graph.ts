import type { Dtype } from "#lib/tensor/dtype.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";

/** The one dimension that is not known while a graph is built. Only the first axis may be "batch". */
export type Dim = number | "batch";
export type Shape = readonly Dim[];
export type ElementType = "float32" | "float16" | "bfloat16" | "int32" | "int64" | "float64";

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

export type Attribute = number | { readonly float: number } | readonly number[] | string;

export interface Node {
  readonly op: string;
  readonly domain: "" | "com.microsoft";
  /** null stands for an optional input left out. */
  readonly inputs: readonly (Value | null)[];
  readonly outputs: readonly Value[];
  readonly attributes: Readonly<Record<string, Attribute>>;
}

export type Initializer =
  | { readonly value: Value; readonly data: Float32Array | BigInt64Array }
  | { readonly value: Value; readonly external: ExternalTensor };

const elementTypes: Partial<Record<Dtype, ElementType>> = {
  F32: "float32",
  F16: "float16",
  BF16: "bfloat16",
  F64: "float64",
};

/** Raised for a graph that is wrong by construction: our mistake, never the input's. */
const mistake = (message: string): Error => new Error(`graph: ${message}`);

/**
 * A network as a list of ONNX nodes in the order they run. The functions of `ops/` append nodes and work out shapes, so a
 * mistake is found, with both shapes named, while the graph is built.
 */
export class Graph {
  readonly name: string;
  readonly inputs: Value[] = [];
  readonly outputs: { readonly name: string; readonly value: Value }[] = [];
  readonly nodes: Node[] = [];
  readonly initializers: Initializer[] = [];
  readonly #externals = new Map<string, Value>();
  readonly #integers = new Map<string, Value>();
  #count = 0;

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

  /** A number array written into the model itself: tables, scales. Weights belong in `external`. */
  constant(tensor: FloatTensor): Value {
    const value = this.#value("constant", tensor.shape, "float32");
    this.initializers.push({ value, data: tensor.data });
    return value;
  }

  /** int64 lists, as Reshape, Slice and their kind want them; equal lists are written once. */
  integers(list: readonly number[]): Value {
    const key = list.join(",");
    const known = this.#integers.get(key);
    if (known) return known;
    const value = this.#value("integers", [list.length], "int64");
    this.initializers.push({ value, data: BigInt64Array.from(list, BigInt) });
    this.#integers.set(key, value);
    return value;
  }

  /** A weight in its own file, in its own type; the same bytes are declared once. */
  external(tensor: ExternalTensor): Value {
    const key = `${tensor.path}:${tensor.begin}`;
    const known = this.#externals.get(key);
    if (known) return known;
    const type = elementTypes[tensor.dtype];
    if (!type) throw mistake(`no element type for ${tensor.dtype}, the type of ${tensor.name}`);
    const value = this.#value("weight", tensor.shape, type);
    this.initializers.push({ value, external: tensor });
    this.#externals.set(key, value);
    return value;
  }

  node(
    op: string,
    inputs: readonly (Value | null)[],
    shape: Shape,
    {
      attributes = {},
      domain = "",
      type = "float32",
    }: { attributes?: Node["attributes"]; domain?: Node["domain"]; type?: ElementType } = {},
  ): Value {
    const output = this.#value(op, shape, type);
    this.#push({ op, domain, inputs, outputs: [output], attributes });
    return output;
  }

  /** A node with several outputs, such as Split. */
  nodeOfMany(
    op: string,
    inputs: readonly Value[],
    shapes: readonly Shape[],
    attributes: Node["attributes"] = {},
  ): Value[] {
    const outputs = shapes.map((shape) => this.#value(op, shape, "float32"));
    this.#push({ op, domain: "", inputs, outputs, attributes });
    return outputs;
  }

  #push(node: Node): void {
    for (const input of node.inputs)
      if (input && input.graph !== this)
        throw mistake(`${node.op} in "${this.name}" takes a value of "${input.graph.name}"`);
    this.nodes.push(node);
  }

  #value(stem: string, shape: Shape, type: ElementType): Value {
    return { graph: this, name: `${stem}_${this.#count++}`, shape, type };
  }
}

export const showShape = (shape: Shape): string => `[${shape.join(", ")}]`;
