import { type FloatTensor, rows, zeros } from "#lib/tensor/tensor.ts";

/** 8-bit RGB, row by row. */
export interface Picture {
  readonly width: number;
  readonly height: number;
  readonly rgb: Uint8Array;
}

/** Pictures [B, 3, H, W] in [−1, 1], side by side, clamped and rounded as diffusers does: (x / 2 + 0.5) · 255. */
export function toPicture({ data, shape }: FloatTensor): Picture {
  const [batch, , height, width] = shape as [number, number, number, number];
  const rgb = new Uint8Array(batch * height * width * 3);
  for (let b = 0; b < batch; b++) {
    for (let channel = 0; channel < 3; channel++) {
      for (let y = 0; y < height; y++) {
        for (let x = 0; x < width; x++) {
          const value = data[((b * 3 + channel) * height + y) * width + x]!;
          rgb[((y * batch + b) * width + x) * 3 + channel] = toByte(value);
        }
      }
    }
  }
  return { width: batch * width, height, rgb };
}

/** Pictures [B, 3, H, W] in [−1, 1], each by itself, rounded likewise. */
export const toPictures = (pictures: FloatTensor): Picture[] =>
  Array.from({ length: pictures.shape[0]! }, (_, row) => toPicture(rows(pictures, row, row + 1)));

/** A picture → [1, 3, H, W] in [−1, 1], as diffusers' VaeImageProcessor has it: 2 · value / 255 − 1. */
export function fromPicture({ width, height, rgb }: Picture): FloatTensor {
  const pixels = zeros([1, 3, height, width]);
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      pixels.data[channel * width * height + i] = (2 * rgb[3 * i + channel]!) / 255 - 1;
  }
  return pixels;
}

/** Halves go to the even neighbour, as numpy rounds. */
function toByte(value: number): number {
  const scaled = Math.min(1, Math.max(0, value / 2 + 0.5)) * 255;
  const rounded = Math.round(scaled);
  return rounded - scaled === 0.5 && rounded % 2 === 1 ? rounded - 1 : rounded;
}
