import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { createGenerator } from "#lib/tensor/random.ts";

interface Draw {
  readonly shape: number[];
  readonly first: number[];
  readonly last: number[];
  readonly sum: number;
}

interface Vectors {
  readonly cases: readonly { readonly seed: number; readonly draws: readonly Draw[] }[];
}

const { cases } = JSON.parse(
  readFileSync(new URL("../../golden/random/vectors.json", import.meta.url), "utf8"),
) as Vectors;

const TOLERANCE = 1e-6; // torch's own logarithm, sine and cosine are exact to a float32 or two

describe("a generator draws what torch draws", () => {
  test.each(
    cases.map(
      ({ seed, draws }) => [seed, draws.map(({ shape }) => `[${shape.join(", ")}]`).join(" then "), draws] as const,
    ),
  )("from seed %s in the shapes %s", (seed, _, draws) => {
    const generator = createGenerator(seed);
    for (const { shape, first, last, sum } of draws) {
      const noise = generator.randn(shape);
      expect(noise.shape).toEqual(shape);
      const kept = [...noise.data.slice(0, first.length), ...noise.data.slice(-last.length)];
      const worst = Math.max(...[...first, ...last].map((value, i) => Math.abs(value - kept[i]!)));
      expect(worst).toBeLessThanOrEqual(TOLERANCE);
      const total = noise.data.reduce((subtotal, value) => subtotal + value, 0);
      expect(Math.abs(total - sum)).toBeLessThanOrEqual(TOLERANCE * noise.data.length);
    }
  });
});

test("the engine gives the 10,000th number that the C++ standard states for MT19937", () => {
  const { uint32 } = createGenerator(5489);
  const numbers = Array.from({ length: 10_000 }, uint32);
  expect(numbers.at(-1)).toBe(4_123_659_995);
});

test("a seed counts by its low 32 bits, as a number, as a bigint and below zero", () => {
  expect(drawn(2 ** 40 + 7)).toEqual(drawn(7));
  expect(drawn(2n ** 64n - 1n)).toEqual(drawn(2 ** 32 - 1));
  expect(drawn(-1)).toEqual(drawn(2 ** 32 - 1));
});

test.each([2.5, Number.NaN, Number.POSITIVE_INFINITY, 2 ** 53, 2n ** 64n, -(2n ** 63n) - 1n])(
  "the seed %s is refused",
  (seed) => {
    expect(() => createGenerator(seed)).toThrow(
      expect.objectContaining({ code: "bad_request", message: expect.stringContaining(String(seed)) }),
    );
  },
);

function drawn(seed: number | bigint): Float32Array {
  return createGenerator(seed).randn([20]).data;
}
