import type { Value } from "#lib/onnx/graph.ts";
import type { Padding } from "#lib/onnx/op.ts";
import { conv, convTransposed } from "#lib/onnx/ops/conv.ts";
import { matmul, sumOver } from "#lib/onnx/ops/math.ts";
import { concat, cut, flip, pad, reshape, transpose } from "#lib/onnx/ops/shape.ts";
import type { Rule } from "../rule.ts";

type Stepping = { readonly kernel: number; readonly stride: number; readonly padding: Padding };

export const convolution: Rule<"Convolution"> = ({ op, inputs: [x, weight, bias] }, dy) => [
  () => pictureGradient(op, x, weight, dy),
  () => weightGradient(op, x, weight, dy),
  ...(bias ? [() => reshape(sumOver(dy, [0, 2, 3]), bias.shape)] : []),
];

/** It is the gradient of a convolution, so that its own gradient is the convolution. */
export const convolutionTransposed: Rule<"ConvolutionTransposed"> = ({ op, inputs: [x, weight] }, dy) => [
  () => conv(dy, weight, null, op),
  () => weightGradient(op, dy, weight, x),
];

/** At stride 1 an ordinary convolution with the weight turned around, which the runtime is faster at: 3.6 instead of 6.3 ms. */
function pictureGradient({ kernel, stride, padding }: Stepping, x: Value, weight: Value, dy: Value): Value {
  const { top, left, bottom, right } = padding;
  const reach = kernel - 1;
  if (stride > 1 || Math.max(top, left, bottom, right) > reach) {
    const [, , height, width] = x.shape as [unknown, unknown, number, number];
    return convTransposed(dy, weight, { stride, padding, height, width });
  }
  const turned = transpose(kernel === 1 ? weight : flip(weight, [2, 3]), [1, 0, 2, 3]);
  const rest = { top: reach - top, left: reach - left, bottom: reach - bottom, right: reach - right };
  return conv(dy, turned, null, { padding: rest });
}

/**
 * dW[o, c, i, j] = Σ dy[b, o, y, x] · x[b, c, s·y + i, s·x + j]: the picture is laid out once for each place of the kernel, shifted, and
 * one product for each row of the batch meets them all. The runtime has no operator for it.
 */
function weightGradient({ kernel, stride, padding }: Stepping, x: Value, weight: Value, dy: Value): Value {
  const [batch, out, height, width] = dy.shape as [number, number, number, number];
  const [, channels] = weight.shape as [number, number];
  const pixels = height * width;
  const { top, left, bottom, right } = padding;
  const padded = top + left + bottom + right === 0 ? x : pad(x, [0, 0, top, left], [0, 0, bottom, right]);
  const along = (axis: number, begin: number, steps: number) => ({
    axis,
    begin,
    end: begin + (steps - 1) * stride + 1,
    step: stride,
  });
  const shifted = Array.from({ length: kernel * kernel }, (_, place) => {
    const [i, j] = [Math.floor(place / kernel), place % kernel];
    return reshape(cut(padded, [along(2, i, height), along(3, j, width)]), [batch, channels, pixels]);
  });
  const places = shifted.length === 1 ? shifted[0]! : concat(shifted, 1);
  const perRow = matmul(reshape(dy, [batch, out, pixels]), places, { right: true });
  const sum = reshape(sumOver(perRow, [0]), [out, kernel * kernel, channels]);
  return reshape(transpose(sum, [0, 2, 1]), weight.shape);
}
