import { type FloatTensor, sizeOf, tensor, zeros } from "#lib/tensor/tensor.ts";

/** How a large tensor is gone through in overlapping squares, and what each becomes. */
export interface Tiling {
  /** Side of a tile of the input, and how far apart they begin. */
  readonly side: number;
  readonly stride: number;
  /** Of the output: how far two neighbours are blended, and how much of a tile is kept. */
  readonly blend: number;
  readonly kept: number;
}

/** A quarter of a tile overlaps, as diffusers' AutoencoderKL has it (`tile_overlap_factor`). */
const OVERLAP = 0.25;

/** `input` and `output` are the sides of one tile before and after the network. */
export function tilingOf(input: number, output: number): Tiling {
  const blend = Math.floor(output * OVERLAP);
  return { side: input, stride: Math.floor(input * (1 - OVERLAP)), blend, kept: output - blend };
}

/**
 * Runs a network over the tiles of x [1, C, H, W] and blends what comes out: `tiled_decode` and `tiled_encode` of diffusers 0.42.1.
 * Tiles at the right and the bottom are smaller.
 *
 * @param run  [1, C, h, w] with h, w ≤ side → [1, C′, h′, w′]
 */
export async function runTiled(
  x: FloatTensor,
  { side, stride, blend, kept }: Tiling,
  run: (tile: FloatTensor) => Promise<FloatTensor>,
): Promise<FloatTensor> {
  const [, , height, width] = x.shape as [number, number, number, number];
  const finished: FloatTensor[] = [];
  let above: FloatTensor[] = [];
  for (let top = 0; top < height; top += stride) {
    const row: FloatTensor[] = [];
    for (let left = 0; left < width; left += stride) {
      const tile = await run(cutTile(x, top, left, side));
      const over = above[row.length];
      if (over) blendInto(over, tile, blend, "rows");
      const beside = row.at(-1);
      if (beside) blendInto(beside, tile, blend, "columns");
      row.push(tile);
    }
    finished.push(
      joinAlong(
        row.map((tile) => cutTile(tile, 0, 0, kept)),
        3,
      ),
    );
    above = row;
  }
  return joinAlong(finished, 2);
}

function cutTile(x: FloatTensor, top: number, left: number, side: number): FloatTensor {
  const [, channels, height, width] = x.shape as [number, number, number, number];
  const [h, w] = [Math.min(side, height - top), Math.min(side, width - left)];
  const out = zeros([1, channels, h, w]);
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < h; i++) {
      const begin = (c * height + top + i) * width + left;
      out.data.set(x.data.subarray(begin, begin + w), (c * h + i) * w);
    }
  }
  return out;
}

/** Over the first `extent` rows or columns of `tile`, the last ones of its neighbour fade into it. */
function blendInto(neighbour: FloatTensor, tile: FloatTensor, most: number, along: "rows" | "columns"): void {
  const [, channels, height, width] = tile.shape as [number, number, number, number];
  const [, , before, beside] = neighbour.shape as [number, number, number, number];
  const extent = along === "rows" ? Math.min(before, height, most) : Math.min(beside, width, most);
  const [rows, columns] = along === "rows" ? [extent, width] : [height, extent];
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < rows; i++) {
      for (let j = 0; j < columns; j++) {
        const share = (along === "rows" ? i : j) / extent;
        const [y, x] = along === "rows" ? [before - extent + i, j] : [i, beside - extent + j];
        const at = (c * height + i) * width + j;
        tile.data[at] = neighbour.data[(c * before + y) * beside + x]! * (1 - share) + tile.data[at]! * share;
      }
    }
  }
}

/** Joins along the axis 2 or 3 of [1, C, H, W]. */
function joinAlong(parts: readonly FloatTensor[], axis: 2 | 3): FloatTensor {
  const [first] = parts as readonly [FloatTensor];
  const total = parts.reduce((sum, { shape }) => sum + shape[axis]!, 0);
  const shape = first.shape.map((size, i) => (i === axis ? total : size));
  const out = tensor(new Float32Array(sizeOf(shape)), shape);
  const outer = sizeOf(first.shape.slice(0, axis));
  const inner = sizeOf(first.shape.slice(axis + 1));
  let offset = 0;
  for (const { data, shape: own } of parts) {
    const run = own[axis]! * inner;
    for (let k = 0; k < outer; k++) out.data.set(data.subarray(k * run, (k + 1) * run), k * total * inner + offset);
    offset += run;
  }
  return out;
}
