import { createGenerator } from "./random.ts";
import { concat, type FloatTensor } from "./tensor.ts";

/**
 * How one seed draws a batch. `one stream`: a generator for all pictures, so that the first is that of the seed alone
 * (where a picture has a multiple of 16 values) and the others have no seed of their own. `a seed each`: a generator
 * for each with seed, seed + 1, …, as AUTOMATIC1111's web UI has it and diffusers with a list of generators, so that
 * any of them can be drawn again by itself.
 */
export type BatchNoise = "one stream" | "a seed each";

/**
 * @param seed   −2⁶³ … 2⁶⁴ − 1
 * @param shape  [B, C, H, W]
 * @returns unit normal values of that shape, as torch draws them on a CPU in float32
 */
export function drawBatchNoise(seed: bigint, shape: readonly number[], how: BatchNoise): FloatTensor {
  const [batch, ...picture] = shape as [number, ...number[]];
  if (how === "one stream") return createGenerator(seed).randn(shape);
  return concat(seedsOf(seed, batch).map((one) => createGenerator(one).randn([1, ...picture])));
}

/** The seeds of a batch with a seed each; behind 2⁶⁴ − 1 comes 0. */
export const seedsOf = (seed: bigint, batch: number): bigint[] =>
  Array.from({ length: batch }, (_, i) => {
    const one = seed + BigInt(i);
    return one >= 2n ** 64n ? BigInt.asUintN(64, one) : one;
  });
