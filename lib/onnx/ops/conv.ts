import { showShape, type Value } from "../graph.ts";
import type { Dim } from "../shape.ts";
import type { Padding } from "../op.ts";
import { commonType, mismatch } from "./math.ts";

export const evenPadding = (size: number): Padding => ({ top: size, left: size, bottom: size, right: size });

/** Cross-correlation: x [B, C, H, W], weight [O, C, k, k], bias [O] → [B, O, H′, W′] with H′ = ⌊(H + padding − k) / stride⌋ + 1. */
export function conv(
  x: Value,
  weight: Value,
  bias: Value | null,
  { stride = 1, padding }: { stride?: number; padding: Padding },
): Value {
  const [batch, channels, height, width] = x.shape as [Dim, number, number, number];
  const [out, wants, kernel] = weight.shape as [number, number, number];
  if (channels !== wants) {
    const [input, kernels] = [showShape(x.shape), showShape(weight.shape)];
    throw new Error(`Convolution: input ${input} has ${channels} channels, weight ${kernels} expects ${wants}`);
  }
  const { top, left, bottom, right } = padding;
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return x.graph.append({ type: "Convolution", kernel, stride, padding }, inputs, {
    shape: [batch, out, reach(height, top + bottom, kernel, stride), reach(width, left + right, kernel, stride)],
    type: commonType("Convolution", x, ...inputs),
  });
}

/**
 * What a convolution with the same weight, stride and padding does to its gradient: x [B, O, H′, W′], weight [O, C, k, k] →
 * [B, C, height, width], any size from which that convolution makes H′ × W′.
 */
export function convTransposed(
  x: Value,
  weight: Value,
  { stride = 1, padding, height, width }: { stride?: number; padding: Padding; height: number; width: number },
): Value {
  const [batch, out, h, w] = x.shape as [Dim, number, number, number];
  const [rows, channels, kernel] = weight.shape as [number, number, number];
  const { top, left, bottom, right } = padding;
  const fits =
    out === rows &&
    reach(height, top + bottom, kernel, stride) === h &&
    reach(width, left + right, kernel, stride) === w;
  if (!fits) throw mismatch("ConvolutionTransposed", x.shape, weight.shape);
  return x.graph.append({ type: "ConvolutionTransposed", kernel, stride, padding, height, width }, [x, weight], {
    shape: [batch, channels, height, width],
    type: commonType("ConvolutionTransposed", x, weight),
  });
}

const reach = (size: number, pad: number, kernel: number, stride: number): number =>
  Math.floor((size + pad - kernel) / stride) + 1;
