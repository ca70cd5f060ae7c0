import { Matrix } from "ml-matrix";
import { expect, test } from "vitest";
import { createGenerator } from "#lib/tensor/random.ts";
import { tensor } from "#lib/tensor/tensor.ts";
import { areEnough, frechetDistance, momentsOf } from "../../../bench/claims/frechet.ts";

const of = (mean: readonly number[], covariance: number[][]) => ({ mean, covariance: new Matrix(covariance), n: 100 });

test("of two normal distributions whose axes agree it is that of each axis, summed", () => {
  const one = of(
    [1, 2],
    [
      [4, 0],
      [0, 9],
    ],
  );
  const other = of(
    [0, 4],
    [
      [1, 0],
      [0, 25],
    ],
  );
  expect(frechetDistance(one, other)).toBeCloseTo(1 + 4 + (2 - 1) ** 2 + (3 - 5) ** 2, 10);
});

test("is what scipy.linalg.sqrtm gives where the axes do not agree", () => {
  const one = of(
    [0.5, -1, 2],
    [
      [2, 0.3, 0.1],
      [0.3, 1, -0.2],
      [0.1, -0.2, 0.5],
    ],
  );
  const other = of(
    [0, 0, 1],
    [
      [1, -0.4, 0],
      [-0.4, 3, 0.6],
      [0, 0.6, 2],
    ],
  );
  // numpy 2.4.6, scipy 1.17.1: ((m1 - m2) ** 2).sum() + trace(s1 + s2 - 2 * sqrtm(s1 @ s2).real)
  expect(frechetDistance(one, other)).toBeCloseTo(3.810947212852285, 9);
  expect(frechetDistance(other, one)).toBeCloseTo(3.810947212852285, 9);
});

test("moments are those of a sample; of one set the distance from itself is nothing, and it grows with what is added", () => {
  const random = createGenerator(3);
  const features = random.randn([500, 8]);
  const moved = tensor(
    features.data.map((value, i) => (i % 8 === 0 ? value + 2 : value)),
    [500, 8],
  );
  const [one, other] = [momentsOf(features), momentsOf(moved)];
  expect(one.n).toBe(500);
  expect(frechetDistance(one, one)).toBeCloseTo(0, 9);
  expect(frechetDistance(one, other)).toBeCloseTo(4, 4);
});

test("ten pictures for each feature are the least", () => {
  expect([areEnough(640, 64), areEnough(639, 64)]).toEqual([true, false]);
});
