import { type BatchNoise, seedsOf } from "#lib/tensor/batch-noise.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { concat, type FloatTensor } from "#lib/tensor/tensor.ts";

/**
 * Unit-variance noise [B, C, H, W]; each draw continues where the last one stopped.
 *
 * @param pictures  how many are drawn of one stream, B where nothing is said; with a seed for each picture always all
 */
export type PictureNoise = (pictures?: number) => FloatTensor;

/**
 * Noise as diffusers' `randn_tensor` draws it with generators on a CPU: one seed draws for the whole batch, and a list
 * of several draws each picture from a generator of its own, as if it were alone.
 *
 * @param seeds  integers −2⁶³ … 2⁶⁴ − 1; a list has one for each picture
 * @param shape  [B, C, H, W]
 */
export function noiseSource(
  seeds: number | bigint | readonly (number | bigint)[],
  shape: readonly number[],
): PictureNoise {
  const list = typeof seeds === "object" ? seeds : [seeds];
  const [first, ...others] = list.map(createGenerator);
  const [batch, ...one] = shape as [number, ...number[]];
  if (first && others.length === 0) return (pictures = batch) => first.randn([pictures, ...one]);
  if (!first || list.length !== batch) {
    throw new RangeError(`noiseSource: ${list.length} seeds for a batch of ${batch}`);
  }
  return () => concat([first, ...others].map((generator) => generator.randn([1, ...one])));
}

/** The noise of a batch that one seed is given for. */
export const batchNoise = (seed: bigint, shape: readonly number[], how: BatchNoise): PictureNoise =>
  noiseSource(how === "one stream" ? seed : seedsOf(seed, shape[0]!), shape);
