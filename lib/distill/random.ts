import { createHash } from "node:crypto";
import { createGenerator, type Generator } from "#lib/tensor/random.ts";

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
export const uniform = ({ uint32 }: Generator): number => (uint32() & 0xff_ffff) * 2 ** -24;

/** 0 … end − 1, for an end far below 2³². */
export const below = ({ uint32 }: Generator, end: number): number => Math.floor((uint32() / 2 ** 32) * end);

/** 0 … count − 1 in some order: Fisher & Yates. */
export function shuffled(generator: Generator, count: number): Uint32Array {
  const order = Uint32Array.from({ length: count }, (_, i) => i);
  for (let i = count - 1; i > 0; i--) {
    const j = below(generator, i + 1);
    [order[i], order[j]] = [order[j]!, order[i]!];
  }
  return order;
}
