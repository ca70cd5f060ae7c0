import type { Picture } from "./rgb.ts";

/** Filters by their name: how far each reaches at its own scale, and its weight at a distance. */
const filters = {
  bilinear: { support: 1, weight: (x: number): number => Math.max(0, 1 - Math.abs(x)) },
  bicubic: { support: 2, weight: cubic },
  lanczos: { support: 3, weight: (x: number): number => (Math.abs(x) < 3 ? sinc(x) * sinc(x / 3) : 0) },
} as const;

export type Filter = keyof typeof filters;

/**
 * A picture at another size, byte for byte as Pillow 13.0's `Image.resize` has it: the filter is widened where the picture shrinks, and
 * between the two passes stand bytes. Our own because sharp and the canvas round otherwise, and tests can ask for equality so.
 *
 * Rows come first. Where that spares work columns do, which earlier versions of Pillow do not know: bytes are apart by 1 there.
 */
export function resizePicture(picture: Picture, width: number, height: number, filter: Filter): Picture {
  const rows = (one: Picture): Picture => (width === one.width ? one : resizeRows(one, width, filter));
  const columns = (one: Picture): Picture => (height === one.height ? one : resizeColumns(one, height, filter));
  const columnsFirst = picture.height - height > Math.max(0, 2 * (picture.width - width));
  return columnsFirst ? rows(columns(picture)) : columns(rows(picture));
}

function resizeRows({ width: before, height, rgb }: Picture, width: number, filter: Filter): Picture {
  const taps = tapsOf(before, width, filter);
  const out = new Uint8Array(3 * width * height);
  for (let y = 0; y < height; y++) {
    for (const [x, { first, weights }] of taps.entries()) {
      for (let channel = 0; channel < 3; channel++) {
        let sum = HALF;
        for (let i = 0; i < weights.length; i++) sum += rgb[3 * (y * before + first + i) + channel]! * weights[i]!;
        out[3 * (y * width + x) + channel] = toByte(sum);
      }
    }
  }
  return { width, height, rgb: out };
}

function resizeColumns({ width, height: before, rgb }: Picture, height: number, filter: Filter): Picture {
  const row = 3 * width;
  const out = new Uint8Array(row * height);
  for (const [y, { first, weights }] of tapsOf(before, height, filter).entries()) {
    for (let x = 0; x < row; x++) {
      let sum = HALF;
      for (let i = 0; i < weights.length; i++) sum += rgb[(first + i) * row + x]! * weights[i]!;
      out[y * row + x] = toByte(sum);
    }
  }
  return { width, height, rgb: out };
}

/** Weights are whole numbers of 1 / 2²²: eight bits for the byte, two for what a cubic overshoots. */
const ONE = 2 ** 22;
const HALF = ONE / 2;

const toByte = (sum: number): number => Math.min(255, Math.max(0, Math.floor(sum / ONE)));

/** Which pixels a new one is made of, and with which weights. */
interface Taps {
  readonly first: number;
  readonly weights: readonly number[];
}

function tapsOf(before: number, after: number, filter: Filter): Taps[] {
  const { support, weight } = filters[filter];
  const scale = before / after;
  const widened = Math.max(1, scale);
  const reach = support * widened;
  return Array.from({ length: after }, (_, i): Taps => {
    const center = (i + 0.5) * scale;
    const first = Math.max(0, Math.trunc(center - reach + 0.5));
    const end = Math.min(before, Math.trunc(center + reach + 0.5));
    const raw = Array.from({ length: end - first }, (_tap, x) => weight((x + first - center + 0.5) * (1 / widened)));
    const total = raw.reduce((sum, one) => sum + one, 0);
    return { first, weights: raw.map((one) => wholeWeight(one / total)) };
  });
}

/** Halves go away from zero. */
const wholeWeight = (share: number): number => Math.trunc(share * ONE + (share < 0 ? -0.5 : 0.5));

/** Keys' cubic with a = −1/2 (Keys 1981). */
function cubic(x: number): number {
  const a = -0.5;
  const d = Math.abs(x);
  if (d < 1) return ((a + 2) * d - (a + 3)) * d * d + 1;
  if (d < 2) return (((d - 5) * d + 8) * d - 4) * a;
  return 0;
}

function sinc(x: number): number {
  if (x === 0) return 1;
  const angle = x * Math.PI;
  return Math.sin(angle) / angle;
}
