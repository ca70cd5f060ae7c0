import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { batchNoise } from "#lib/diffusion/noise-source.ts";
import { type BatchNoise, seedsOf } from "#lib/tensor/batch-noise.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { rows } from "#lib/tensor/tensor.ts";

interface Kept {
  readonly first: readonly number[];
  readonly last: readonly number[];
}

const { cases } = JSON.parse(readFileSync(new URL("../../golden/random/batch.json", import.meta.url), "utf8")) as {
  cases: readonly { seed: string; shape: number[]; oneStream: readonly Kept[]; aSeedEach: readonly Kept[] }[];
};

const TOLERANCE = 1e-6; // as in random.test.ts

describe.each(cases)("a batch of shape $shape from the seed $seed", ({ seed, shape, oneStream, aSeedEach }) => {
  test.each<[BatchNoise, readonly Kept[]]>([
    ["one stream", oneStream],
    ["a seed each", aSeedEach],
  ])("drawn with %s is what torch draws", (how, pictures) => {
    const noise = batchNoise(BigInt(seed), shape, how)();
    expect(noise.shape).toEqual(shape);
    for (const [i, { first, last }] of pictures.entries()) {
      const { data } = rows(noise, i, i + 1);
      const kept = [...data.slice(0, first.length), ...data.slice(-last.length)];
      const worst = Math.max(...[...first, ...last].map((value, at) => Math.abs(value - kept[at]!)));
      expect(worst).toBeLessThanOrEqual(TOLERANCE);
    }
  });
});

test("any picture of a batch with a seed each is that of its own seed alone", () => {
  const noise = batchNoise(2n ** 64n - 2n, [3, 4, 8, 8], "a seed each")();
  for (const [i, seed] of [2n ** 64n - 2n, 2n ** 64n - 1n, 0n].entries())
    expect(rows(noise, i, i + 1).data).toEqual(createGenerator(seed).randn([1, 4, 8, 8]).data);
});

test("seeds count on, and behind the last comes 0", () => {
  expect(seedsOf(2n ** 53n, 2)).toEqual([9007199254740992n, 9007199254740993n]);
  expect(seedsOf(-1n, 3)).toEqual([-1n, 0n, 1n]);
  expect(seedsOf(2n ** 64n - 1n, 2)).toEqual([18446744073709551615n, 0n]);
});
