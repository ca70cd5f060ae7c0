import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { distributionDistance, squaredMmd } from "#lib/measure/distribution-distance.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";

const sums = JSON.parse(readFileSync(new URL("../../golden/clip/distances.json", import.meta.url), "utf8")) as Record<
  "x" | "y" | "z",
  number[][]
> &
  Record<"paired x y" | "independent x z", number>;
const matrix = (values: number[][]): FloatTensor =>
  tensor(Float32Array.from(values.flat()), [values.length, values[0]!.length]);
const [x, y, z] = [matrix(sums.x), matrix(sums.y), matrix(sums.z)];

test("is what the sums of numpy say, of pairs and of sets of different size", () => {
  expect(squaredMmd(x, y, "paired")).toBeCloseTo(sums["paired x y"], 5);
  expect(squaredMmd(x, z, "independent")).toBeCloseTo(sums["independent x z"], 5);
  expect(() => squaredMmd(x, z, "paired")).toThrow(/make no pairs/);
});

/** Noise, [n, 8]. */
const noise = (seed: number, n: number, shift = 0): FloatTensor => {
  const drawn = createGenerator(seed).randn([n, 8]);
  return tensor(
    drawn.data.map((value) => value + shift),
    drawn.shape,
  );
};
const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
const deviation = (values: readonly number[]): number =>
  Math.sqrt(mean(values.map((value) => (value - mean(values)) ** 2)));

test("has no bias at any number: independent sets, and pairs that are almost the same picture", () => {
  const seeds = Array.from({ length: 300 }, (_, i) => i);
  for (const n of [4, 12]) {
    const apart = seeds.map((seed) => squaredMmd(noise(2 * seed, n), noise(2 * seed + 1, n), "independent"));
    expect(Math.abs(mean(apart))).toBeLessThan((4 * deviation(apart)) / Math.sqrt(seeds.length));
    const alike = (seed: number): [FloatTensor, FloatTensor] => {
      const [one, other] = [noise(2 * seed, n), noise(2 * seed + 1, n)];
      const near = one.data.map((value, i) => 0.995 * value + Math.sqrt(1 - 0.995 ** 2) * other.data[i]!);
      return [one, tensor(near, one.shape)]; // of the same distribution, and nearly row for row the same
    };
    const paired = seeds.map((seed) => squaredMmd(...alike(seed), "paired"));
    expect(Math.abs(mean(paired))).toBeLessThan((4 * deviation(paired)) / Math.sqrt(seeds.length));
    const asIfIndependent = seeds.map((seed) => squaredMmd(...alike(seed), "independent"));
    expect(mean(asIfIndependent)).toBeLessThan((-4 * deviation(asIfIndependent)) / Math.sqrt(seeds.length));
  }
});

test("is told from what chance makes of two halves, where there is a difference and only there", () => {
  const reference = noise(1, 64);
  const near = distributionDistance(noise(2, 64), reference)!;
  expect(near.halves.low).toBeLessThan(near.floor.high);
  expect(near.floor.low).toBeLessThan(0);
  const far = distributionDistance(noise(2, 64, 1), reference)!;
  expect(far.halves.low).toBeGreaterThan(far.floor.high);
  expect(far.value).toBeGreaterThan(far.floor.high);
  expect(far).toEqual(distributionDistance(noise(2, 64, 1), reference));
  expect(far.n).toBe(64);
});

test("of pairs is told from what swapping them makes, where halves of other prompts are too far apart to tell", () => {
  const [reference, other] = [noise(1, 64), noise(2, 64)];
  const near = (shift: number): FloatTensor =>
    tensor(
      reference.data.map((value, i) => 0.995 * value + 0.1 * other.data[i]! + shift),
      reference.shape,
    );
  const same = distributionDistance(near(0), reference)!;
  expect(same.value).toBeGreaterThanOrEqual(same.swapped.low);
  expect(same.value).toBeLessThanOrEqual(same.swapped.high);
  const shifted = distributionDistance(near(0.2), reference)!;
  expect(shifted.value).toBeGreaterThan(shifted.swapped.high);
  expect(shifted.halves.low).toBeLessThan(shifted.floor.high);
});

test("is not given for fewer than eight pictures", () => {
  expect(distributionDistance(rows(x, 0, 7), rows(y, 0, 7))).toBeNull();
  expect(distributionDistance(rows(x, 0, 8), rows(y, 0, 8))).not.toBeNull();
});
