import { createGenerator } from "#lib/tensor/random.ts";
import { concat } from "#lib/tensor/tensor.ts";
import type { NoiseSource } from "./samplers/sampler.ts";

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
): NoiseSource {
  const list = typeof seeds === "object" ? seeds : [seeds];
  const [first, ...others] = list.map(createGenerator);
  if (first && others.length === 0) return () => first.randn(shape);
  if (!first || list.length !== shape[0]) {
    throw new RangeError(`noiseSource: ${list.length} seeds for a batch of ${shape[0]}`);
  }
  const one = [1, ...shape.slice(1)];
  return () => concat([first, ...others].map((generator) => generator.randn(one)));
}
