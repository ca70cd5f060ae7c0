import type { DistributionDistance, Range } from "#lib/pairing/evidence.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { quantile } from "#lib/util/quantile.ts";
import { shuffled } from "#lib/util/shuffled.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";

/**
 * The squared maximum mean discrepancy of two sets of features [n, d] and [m, d], under the kernel of KID, k(x, y) = (x·y/d + 1)³
 * (Bińkowski et al. 2018, arXiv 1801.01401, §2.1): a U-statistic, so without bias at any number of rows, and below zero as often as above
 * where both sets are of one distribution (Gretton et al. 2012, JMLR 13:723, lemma 6).
 *
 * `paired`: row i of both came from one noise and one prompt, so the two are alike whatever their distributions, and are not compared
 * with each other. Left in, they make every distance too small.
 */
export function squaredMmd(x: FloatTensor, y: FloatTensor, rows: "paired" | "independent"): number {
  const [own, others, between] = [kernel(x, x), kernel(y, y), kernel(x, y)];
  const [mine, theirs] = [upTo(between.rows), upTo(between.columns)];
  if (rows === "paired" && mine.length !== theirs.length)
    throw new RangeError(`squaredMmd: ${mine.length} and ${theirs.length} rows make no pairs`);
  const across = rows === "paired" ? meanOffDiagonal(between, mine) : meanOf(between, mine, theirs);
  return meanOffDiagonal(own, mine) + meanOffDiagonal(others, theirs) - 2 * across;
}

const SPLITS = 200;
const FEWEST = 8;

/** Of pictures of the same prompts from the same noise, row by row; null for fewer than eight. The splits are the same every time. */
export function distributionDistance(set: FloatTensor, reference: FloatTensor): DistributionDistance | null {
  const n = reference.shape[0]!;
  if (n < FEWEST) return null;
  const [own, between, references] = [kernel(set, set), kernel(set, reference), kernel(reference, reference)];
  const random = mulberry32(0x2545f491);
  const halves: number[] = [];
  const floor: number[] = [];
  const swapped: number[] = [];
  for (let split = 0; split < SPLITS; split++) {
    swapped.push(swappedMmd(own, between, references, random));
    const order = [...shuffled(n, random)];
    const [one, other] = [order.slice(0, n >> 1), order.slice(n >> 1, 2 * (n >> 1))];
    const second = meanOffDiagonal(references, other);
    halves.push(meanOffDiagonal(own, one) + second - 2 * meanOf(between, one, other));
    floor.push(meanOffDiagonal(references, one) + second - 2 * meanOf(references, one, other));
  }
  const value = squaredMmd(set, reference, "paired");
  return { value, swapped: middleOf(swapped), halves: middleOf(halves), floor: middleOf(floor), n };
}

/** Kernel values, row by row: [rows, columns]. */
interface Kernel {
  readonly rows: number;
  readonly columns: number;
  readonly values: Float64Array;
}

function kernel(x: FloatTensor, y: FloatTensor): Kernel {
  const [rows, width] = x.shape as [number, number];
  const columns = y.shape[0]!;
  const values = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) {
      let product = 0;
      for (let k = 0; k < width; k++) product += x.data[i * width + k]! * y.data[j * width + k]!;
      values[i * columns + j] = (product / width + 1) ** 3;
    }
  }
  return { rows, columns, values };
}

/**
 * The paired value after the two pictures of about half the prompts have changed sets: if both sets are of one distribution, nobody can
 * tell. A pair of prompts of which one was swapped counts with the opposite sign.
 */
function swappedMmd(own: Kernel, between: Kernel, references: Kernel, random: () => number): number {
  const n = own.rows;
  const signs = upTo(n).map(() => (random() < 0.5 ? -1 : 1));
  let sum = 0;
  for (let i = 0; i < n; i++) {
    for (let j = 0; j < i; j++) {
      const [at, across] = [i * n + j, j * n + i];
      const apart = own.values[at]! + references.values[at]! - between.values[at]! - between.values[across]!;
      sum += signs[i]! * signs[j]! * apart;
    }
  }
  return (2 * sum) / (n * (n - 1));
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i);

function meanOf({ columns, values }: Kernel, rows: readonly number[], others: readonly number[]): number {
  let sum = 0;
  for (const i of rows) for (const j of others) sum += values[i * columns + j]!;
  return sum / (rows.length * others.length);
}

/** Over the pairs of different indices. */
function meanOffDiagonal({ columns, values }: Kernel, indices: readonly number[]): number {
  let sum = 0;
  for (const i of indices) for (const j of indices) if (i !== j) sum += values[i * columns + j]!;
  return sum / (indices.length * (indices.length - 1));
}

function middleOf(values: readonly number[]): Range {
  const sorted = values.toSorted((a, b) => a - b);
  return { low: quantile(sorted, 0.025), high: quantile(sorted, 0.975) };
}
