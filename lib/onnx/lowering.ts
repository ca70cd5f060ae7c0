import type { Node } from "./graph.ts";
import type { ElementType } from "./shape.ts";
import type { Op } from "./op.ts";

export type Attribute = number | { readonly float: number } | readonly number[] | string;

/** A list that ONNX wants as an input where our operator has an attribute. */
export type ListInput = BigInt64Array | Float32Array;

/** How a node is written in ONNX. */
export interface Lowered {
  readonly name: string;
  readonly domain: "" | "com.microsoft";
  readonly attributes: Readonly<Record<string, Attribute>>;
  /** Appended to the node's own inputs; null stands for an optional input left out. */
  readonly lists: readonly (ListInput | null)[];
}

/** onnx.proto3: the numbers of TensorProto.DataType that we use. */
export const dataTypes: Readonly<Record<ElementType, number>> = {
  float32: 1,
  int32: 6,
  int64: 7,
  float16: 10,
  float64: 11,
  bfloat16: 16,
  float8e4m3: 17,
  float8e5m2: 19,
};

/** The form that the runtime is fastest at, for inference. */
export function lower({ op, inputs }: Node): Lowered {
  switch (op.type) {
    case "Add":
    case "Sigmoid":
    case "Tanh":
    case "Erf":
    case "Relu":
    case "Softplus":
    case "MatMul":
      return plain(op.type);
    case "Subtract":
    case "Multiply":
    case "Divide":
    case "Sine":
    case "Cosine":
    case "SquareRoot":
      return plain(shortNames[op.type]);
    case "Cast":
      return plain("Cast", { to: dataTypes[op.to] });
    case "MatMulTransposed":
      return microsoft("FusedMatMul", { transB: 1 });
    case "SumOver":
      return plain("ReduceSum", { keepdims: 1 }, [integers(op.axes)]);
    case "Convolution":
      return plain("Conv", convolution(op));
    case "Attention":
      return microsoft("MultiHeadAttention", { num_heads: op.heads, ...(op.causal && { unidirectional: 1 }) });
    case "InstanceNorm":
      return plain("InstanceNormalization", { epsilon: { float: op.epsilon } });
    case "LayerNorm":
      return plain("LayerNormalization", { axis: -1, epsilon: { float: op.epsilon } });
    case "Reshape":
      // 0 copies the input's dimension.
      return plain("Reshape", {}, [integers(op.shape.map((dim) => (dim === "batch" ? 0 : dim)))]);
    case "Transpose":
      return plain("Transpose", { perm: op.order });
    case "Concat":
      return plain("Concat", { axis: op.axis });
    case "Split":
      return plain("Split", { axis: op.axis }, [integers(op.sizes)]);
    case "Gather":
      return plain("Gather", { axis: 0 });
    case "ResizeNearest": {
      const [, , height, width] = inputs[0]!.shape as [unknown, unknown, number, number];
      const scales = Float32Array.of(1, 1, scaleTo(op.height, height), scaleTo(op.width, width));
      return plain("Resize", nearest, [null, scales]);
    }
  }
}

const shortNames = {
  Subtract: "Sub",
  Multiply: "Mul",
  Divide: "Div",
  Sine: "Sin",
  Cosine: "Cos",
  SquareRoot: "Sqrt",
} as const;

/**
 * `size` becomes `target` = 2·size or one more or less. The runtime takes ⌊size · scale⌋ as the target, which the rounded quotient may
 * miss by one; a thousandth more hits it, and moves no pixel, since no other row of an odd target begins on a whole one.
 */
const scaleTo = (target: number, size: number): number => (target === 2 * size ? 2 : (target + 1e-3) / size);

const nearest = { mode: "nearest", coordinate_transformation_mode: "asymmetric", nearest_mode: "floor" };

const convolution = ({ kernel, stride, padding }: Extract<Op, { type: "Convolution" }>) => ({
  kernel_shape: [kernel, kernel],
  strides: [stride, stride],
  pads: [padding.top, padding.left, padding.bottom, padding.right],
});

const integers = (list: readonly number[]): BigInt64Array => BigInt64Array.from(list, BigInt);

const plain = (name: string, attributes: Lowered["attributes"] = {}, lists: Lowered["lists"] = []): Lowered => ({
  name,
  domain: "",
  attributes,
  lists,
});

const microsoft = (name: string, attributes: Lowered["attributes"]): Lowered => ({
  ...plain(name, attributes),
  domain: "com.microsoft",
});
