import { EigenvalueDecomposition, Matrix } from "ml-matrix";
import type { FloatTensor } from "#lib/tensor/tensor.ts";

/** Mean and covariance of features. */
export interface Moments {
  /** [d] */
  readonly mean: readonly number[];
  /** [d, d], of a sample: divided by n − 1 */
  readonly covariance: Matrix;
  readonly n: number;
}

/** A covariance of d features from fewer rows than this many times d says more of the rows than of what they are drawn from. */
const ROWS_PER_FEATURE = 10;

export const areEnough = (rows: number, width: number): boolean => rows >= ROWS_PER_FEATURE * width;

/** Of features [n, d]. */
export function momentsOf({ data, shape }: FloatTensor): Moments {
  const [n, width] = shape as [number, number];
  const matrix = new Matrix(Array.from({ length: n }, (_, i) => Array.from(data.subarray(i * width, (i + 1) * width))));
  const mean = matrix.mean("column");
  const centred = matrix.subRowVector(mean);
  return {
    mean,
    covariance: centred
      .transpose()
      .mmul(centred)
      .div(n - 1),
    n,
  };
}

/**
 * The Fréchet distance of two normal distributions: ‖μ₁ − μ₂‖² + tr(Σ₁ + Σ₂ − 2 (Σ₁ Σ₂)^½) (Dowson and Landau 1982, equation 4). Of features
 * of Inception it is called FID (Heusel et al. 2017, arXiv 1706.08500); these are an evaluator's, so its values compare with each other only.
 */
export function frechetDistance(one: Moments, other: Moments): number {
  const apart = one.mean.reduce((sum, value, i) => sum + (value - other.mean[i]!) ** 2, 0);
  const root = squareRoot(one.covariance);
  const mixed = root.mmul(other.covariance).mmul(root); // has the eigenvalues of the product, and is symmetric
  const spread = eigenvaluesOf(mixed).reduce((sum, value) => sum + Math.sqrt(Math.max(0, value)), 0);
  return apart + one.covariance.trace() + other.covariance.trace() - 2 * spread;
}

const symmetric = (matrix: Matrix): EigenvalueDecomposition =>
  new EigenvalueDecomposition(Matrix.add(matrix, matrix.transpose()).div(2), { assumeSymmetric: true });

const eigenvaluesOf = (matrix: Matrix): readonly number[] => symmetric(matrix).realEigenvalues;

function squareRoot(matrix: Matrix): Matrix {
  const { realEigenvalues, eigenvectorMatrix: vectors } = symmetric(matrix);
  const scaled = vectors.clone().mulRowVector(realEigenvalues.map((value) => Math.sqrt(Math.max(0, value))));
  return scaled.mmul(vectors.transpose());
}
