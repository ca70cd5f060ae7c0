/**
 * How one seed draws a batch. `one stream`: a generator for all pictures, so that the first is that of the seed alone
 * (where a picture has a multiple of 16 values) and the others have no seed of their own. `a seed each`: a generator
 * for each with seed, seed + 1, …, as AUTOMATIC1111's web UI has it and diffusers with a list of generators, so that
 * any of them can be drawn again by itself.
 */
export const batchNoises = ["one stream", "a seed each"] as const;
export type BatchNoise = (typeof batchNoises)[number];

/** The seeds of a batch with a seed each; behind 2⁶⁴ − 1 comes 0. */
export const seedsOf = (seed: bigint, batch: number): bigint[] =>
  Array.from({ length: batch }, (_, i) => {
    const one = seed + BigInt(i);
    return one >= 2n ** 64n ? BigInt.asUintN(64, one) : one;
  });
