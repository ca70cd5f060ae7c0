import {
  add,
  cast,
  cosine,
  divide,
  exp,
  expand,
  multiply,
  scalar,
  sigmoid,
  sign,
  sine,
  subtract,
} from "#lib/onnx/ops/math.ts";
import { flip, gather, reshape, transpose } from "#lib/onnx/ops/shape.ts";
import { attention, softmax } from "./rules/attention.ts";
import { convolution, convolutionTransposed } from "./rules/convolution.ts";
import { matmul } from "./rules/matmul.ts";
import { instanceNorm, layerNorm } from "./rules/norm.ts";
import { concat, pad, resizeNearest, scatterAdd, slice, split, zeros } from "./rules/shape.ts";
import { negative } from "./rules/arithmetic.ts";
import type { Rules } from "./rule.ts";

/** How gradients pass through each operator, from its result to its inputs. Whoever applies them sums what was broadcast. */
export const rules: Rules = {
  Add: (_node, dy) => [() => dy, () => dy],
  Subtract: (_node, dy) => [() => dy, () => negative(dy)],
  Multiply: ({ inputs: [a, b] }, dy) => [() => multiply(dy, b), () => multiply(dy, a)],
  Divide: ({ inputs: [, b], y }, dy) => [() => divide(dy, b), () => negative(divide(multiply(dy, y), b))],

  Exp: ({ y }, dy) => [() => multiply(dy, y)],
  Sine: ({ inputs: [x] }, dy) => [() => multiply(dy, cosine(x))],
  Cosine: ({ inputs: [x] }, dy) => [() => negative(multiply(dy, sine(x)))],
  SquareRoot: ({ y }, dy) => [() => divide(dy, add(y, y))],
  Sigmoid: ({ y }, dy) => [() => multiply(dy, subtract(y, multiply(y, y)))],
  Softplus: ({ inputs: [x] }, dy) => [() => multiply(dy, sigmoid(x))],
  Tanh: ({ y }, dy) => [() => subtract(dy, multiply(dy, multiply(y, y)))],
  Erf: ({ inputs: [x] }, dy) => [
    () => multiply(multiply(dy, scalar(dy, 2 / Math.sqrt(Math.PI))), exp(negative(multiply(x, x)))),
  ],
  Relu: ({ y }, dy) => [() => multiply(dy, sign(y))],
  Sign: () => [null],
  Cast: ({ inputs: [x] }, dy) => [() => cast(dy, x.type)],

  MatMul: matmul,
  Convolution: convolution,
  ConvolutionTransposed: convolutionTransposed,
  Attention: attention,
  Softmax: softmax,
  InstanceNorm: instanceNorm,
  LayerNorm: layerNorm,

  SumOver: ({ inputs: [x] }, dy) => [() => expand(dy, x.shape)],
  Expand: (_node, dy) => [() => dy],
  Reshape: ({ inputs: [x] }, dy) => [() => reshape(dy, x.shape)],
  Transpose: ({ op }, dy) => [
    () =>
      transpose(
        dy,
        op.order.map((_axis, i) => op.order.indexOf(i)),
      ),
  ],
  Flip: ({ op }, dy) => [() => flip(dy, op.axes)],
  Concat: concat,
  Split: split,
  Slice: slice,
  Pad: pad,
  Gather: ({ inputs: [table, indices] }, dy) => [() => scatterAdd(zeros(table), indices, dy), null],
  ScatterAdd: ({ inputs: [, places, rows] }, dy) => [() => dy, null, () => reshape(gather(dy, places), rows.shape)],
  ResizeNearest: resizeNearest,
};
