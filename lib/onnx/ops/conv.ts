import { showShape, type Value } from "../graph.ts";
import type { Dim } from "../shape.ts";
import type { Padding } from "../op.ts";
import { commonType } from "./math.ts";

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
  const reach = (size: number, pad: number): number => Math.floor((size + pad - kernel) / stride) + 1;
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return x.graph.append({ type: "Convolution", kernel, stride, padding }, inputs, {
    shape: [batch, out, reach(height, top + bottom), reach(width, left + right)],
    type: commonType("Convolution", x, ...inputs),
  });
}
