import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";

/**
 * What latents look like, whatever they show: of each channel its mean, its spread and how much it changes from place to place, and of
 * each two how they go together. [n, d], each column by the spread of both sets, so that distances of one lie beside those of the other.
 */
export function looksOf(sets: readonly FloatTensor[]): FloatTensor[] {
  const rows = sets.map(rawLooks);
  const all = rows.flat();
  const width = all[0]!.length;
  const columns = Array.from({ length: width }, (_, column) => momentsOf(all.map((row) => row[column]!)));
  return rows.map((set) =>
    tensor(
      Float32Array.from(
        set.flatMap((row) => row.map((value, i) => (value - columns[i]!.mean) / columns[i]!.deviation)),
      ),
      [set.length, width],
    ),
  );
}

function rawLooks({ data, shape }: FloatTensor): number[][] {
  const [count, channels, height, width] = shape as [number, number, number, number];
  const size = height * width;
  return Array.from({ length: count }, (_, picture) => {
    const planes = Array.from({ length: channels }, (_each, channel) =>
      data.subarray((picture * channels + channel) * size, (picture * channels + channel + 1) * size),
    );
    const moments = planes.map((plane) => momentsOf([...plane]));
    const own = planes.flatMap((plane, i) => [
      moments[i]!.mean,
      moments[i]!.deviation,
      ...changesOf(plane, height, width),
    ]);
    const together = planes.flatMap((plane, i) =>
      planes.slice(0, i).map((other, j) => {
        let sum = 0;
        for (let at = 0; at < size; at++) sum += (plane[at]! - moments[i]!.mean) * (other[at]! - moments[j]!.mean);
        return sum / size;
      }),
    );
    return [...own, ...together];
  });
}

/** How much a plane changes from left to right, from top to bottom, and around each place. */
function changesOf(plane: Float32Array, height: number, width: number): number[] {
  let [across, down, around] = [0, 0, 0];
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const at = y * width + x;
      const [right, below] = [x + 1 < width, y + 1 < height];
      if (right) across += Math.abs(plane[at + 1]! - plane[at]!);
      if (below) down += Math.abs(plane[at + width]! - plane[at]!);
      if (right && below && x > 0 && y > 0)
        around += Math.abs(4 * plane[at]! - plane[at - 1]! - plane[at + 1]! - plane[at - width]! - plane[at + width]!);
    }
  }
  return [across / (height * (width - 1)), down / ((height - 1) * width), around / ((height - 2) * (width - 2))];
}

function momentsOf(values: readonly number[]): { readonly mean: number; readonly deviation: number } {
  const mean = values.reduce((sum, value) => sum + value, 0) / values.length;
  const square = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length;
  return { mean, deviation: Math.sqrt(square) || 1 };
}
