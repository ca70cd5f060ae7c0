import { type Dim, showShape, type Value } from "../graph.ts";

export interface Padding {
  readonly top: number;
  readonly left: number;
  readonly bottom: number;
  readonly right: number;
}

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
  if (channels !== wants)
    throw new Error(
      `Conv: input ${showShape(x.shape)} has ${channels} channels, weight ${showShape(weight.shape)} expects ${wants}`,
    );
  const { top, left, bottom, right } = padding;
  const reach = (size: number, pad: number): number => Math.floor((size + pad - kernel) / stride) + 1;
  const attributes = { kernel_shape: [kernel, kernel], strides: [stride, stride], pads: [top, left, bottom, right] };
  const inputs = bias ? [x, weight, bias] : [x, weight];
  return x.graph.node("Conv", inputs, [batch, out, reach(height, top + bottom), reach(width, left + right)], {
    attributes,
  });
}
