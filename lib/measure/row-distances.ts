import type { FloatTensor } from "#lib/tensor/tensor.ts";

/** Row by row, how far two tensors of one shape lie apart: the length of their difference. */
export function rowDistances(one: FloatTensor, other: FloatTensor): number[] {
  return eachRow(one, (i) => one.data[i]! - other.data[i]!);
}

/** … as a share of the length of the other's row. */
export function relativeDistances(one: FloatTensor, other: FloatTensor): number[] {
  const lengths = eachRow(other, (i) => other.data[i]!);
  return rowDistances(one, other).map((distance, row) => distance / lengths[row]!);
}

function eachRow({ data, shape }: FloatTensor, valueAt: (i: number) => number): number[] {
  const size = data.length / shape[0]!;
  return Array.from({ length: shape[0]! }, (_, row) => {
    let sum = 0;
    for (let i = row * size; i < (row + 1) * size; i++) sum += valueAt(i) ** 2;
    return Math.sqrt(sum);
  });
}
