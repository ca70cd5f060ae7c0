import { createHash } from "node:crypto";
import { createGenerator, type Generator, uniform24 } from "#lib/tensor/random.ts";

/**
 * Every draw of a run is a function of its seed and of what is drawn, never of what was drawn before: so a run that stopped draws on as if
 * it had not.
 */
export function generatorFor(seed: number, ...what: readonly (string | number)[]): Generator {
  const digest = createHash("sha256")
    .update(JSON.stringify([seed, ...what]))
    .digest();
  return createGenerator(digest.readUInt32BE());
}

/** [0, 1) in steps of 2⁻²⁴, as `torch.rand` draws it. */
export const uniform = ({ uint32 }: Generator): number => uniform24(uint32);

/** 0 … end − 1, for an end far below 2³². */
export const below = (generator: Generator, end: number): number => Math.floor(share(generator) * end);

/** [0, 1) in steps of 2⁻³². */
export const share = ({ uint32 }: Generator): number => uint32() / 2 ** 32;
