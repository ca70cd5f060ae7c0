import type { Node, Value } from "./graph.ts";
import type { ElementType } from "./shape.ts";
import type { OpOf } from "./op.ts";

export type Attribute = number | { readonly float: number } | readonly number[] | string;

/** A list that ONNX wants as an input where our operator has an attribute, or none; `length` times `fill`, or all of `list`. */
export type ListInput =
  | { readonly type: "int64"; readonly list: BigInt64Array }
  | { readonly type: "float32"; readonly list: Float32Array }
  | { readonly type: ElementType; readonly fill: number; readonly length: number };

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

/**
 * The form that the runtime is fastest at: for inference, or, where somebody reads what the fused operator keeps to itself, the one
 * that yields it.
 */
export function lower({ op, inputs, outputs }: Node, isRead: (value: Value) => boolean): Lowered {
  switch (op.type) {
    case "Add":
    case "Sigmoid":
    case "Tanh":
    case "Erf":
    case "Exp":
    case "Relu":
    case "Sign":
    case "Softplus":
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
    case "MatMul":
      return op.transposeLeft || op.transposeRight
        ? microsoft("FusedMatMul", { transA: Number(op.transposeLeft), transB: Number(op.transposeRight) })
        : plain("MatMul");
    case "SumOver":
      return plain("ReduceSum", { keepdims: 1 }, [integers(op.axes)]);
    case "Expand":
      // 1 keeps the input's dimension.
      return plain("Expand", {}, [integers(op.shape.map((dim) => (dim === "batch" ? 1 : dim)))]);
    case "Convolution":
      return plain("Conv", convolution(op));
    case "ConvolutionTransposed":
      return plain("ConvTranspose", { ...convolution(op), output_padding: outputPadding(op, inputs[0]!) });
    case "Softmax":
      return plain("Softmax", { axis: -1 });
    case "Attention":
      return microsoft("MultiHeadAttention", { num_heads: op.heads, ...(op.causal && { unidirectional: 1 }) });
    case "InstanceNorm": {
      const [x, statistics] = [inputs[0]!, outputs.slice(1)];
      const fill = (number: number, axis: number): ListInput => ({
        type: x.type,
        fill: number,
        length: Number(x.shape.at(axis)),
      });
      return statistics.some(isRead)
        ? layerNormalization(op.epsilon, [fill(1, -1)])
        : plain("InstanceNormalization", { epsilon: { float: op.epsilon } }, [fill(1, 1), fill(0, 1)]);
    }
    case "LayerNorm":
      return layerNormalization(op.epsilon);
    case "Reshape":
      // 0 copies the input's dimension.
      return plain("Reshape", {}, [integers(op.shape.map((dim) => (dim === "batch" ? 0 : dim)))]);
    case "Transpose":
      return plain("Transpose", { perm: op.order });
    case "Concat":
      return plain("Concat", { axis: op.axis });
    case "Split":
      return plain("Split", { axis: op.axis }, [integers(op.sizes)]);
    case "Slice": {
      const lists = (["begin", "end", "axis", "step"] as const).map((part) =>
        integers(op.cuts.map((cut) => cut[part])),
      );
      return plain("Slice", {}, lists);
    }
    case "Flip": {
      const each = (number: number): ListInput => integers(op.axes.map(() => number));
      return plain("Slice", {}, [each(-1), each(Number.MIN_SAFE_INTEGER), integers(op.axes), each(-1)]);
    }
    case "Pad":
      return plain("Pad", {}, [integers([...op.before, ...op.after])]);
    case "Gather":
      return plain("Gather", { axis: 0 });
    case "ScatterAdd":
      return plain("ScatterND", { reduction: "add" });
    case "ResizeNearest": {
      const [, , height, width] = inputs[0]!.shape as [unknown, unknown, number, number];
      const scales = Float32Array.of(1, 1, scaleTo(op.height, height), scaleTo(op.width, width));
      return plain("Resize", nearest, [null, { type: "float32", list: scales }]);
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

/** The statistics come third and second; `lists` stand for a scale that the node itself does not have. */
const layerNormalization = (epsilon: number, lists: Lowered["lists"] = []): Lowered =>
  plain("LayerNormalization", { axis: -1, epsilon: { float: epsilon } }, lists);

/** Rows and columns that no step of the convolution reached. */
function outputPadding(
  { kernel, stride, padding, height, width }: OpOf<"ConvolutionTransposed">,
  { shape }: Value,
): number[] {
  const reached = (steps: number, pad: number): number => (steps - 1) * stride + kernel - pad;
  const { top, left, bottom, right } = padding;
  return [height - reached(Number(shape[2]), top + bottom), width - reached(Number(shape[3]), left + right)];
}

const convolution = ({ kernel, stride, padding }: OpOf<"Convolution" | "ConvolutionTransposed">) => ({
  kernel_shape: [kernel, kernel],
  strides: [stride, stride],
  pads: [padding.top, padding.left, padding.bottom, padding.right],
});

const integers = (list: readonly number[]): ListInput => ({ type: "int64", list: BigInt64Array.from(list, BigInt) });

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
