import { createHash } from "node:crypto";

/** Of a hash so many bits are kept: of ten thousand combinations that occur nowhere seven are taken for one that does, and left out. */
const BITS = 24;

/**
 * What a caption says of its things, whichever comes first and whatever is behind them: “a red house and a small boat at sea” is “a red
 * house and a small boat”.
 */
export function combinationOf(caption: string, backgrounds: readonly string[]): string {
  const background = backgrounds.find((words) => caption.endsWith(` ${words}`));
  const things = background === undefined ? caption : caption.slice(0, -background.length - 1);
  return things.split(" and ").toSorted().join(" and ");
}

export const hashOf = (combination: string): number =>
  createHash("sha256")
    .update(combination)
    .digest()
    .readUIntBE(0, BITS / 8);

/** In their order, each as what it is more than the one before, in groups of seven bits with the lowest first (LEB128). */
export function encodeHashes(hashes: Iterable<number>): Uint8Array {
  const bytes: number[] = [];
  let before = 0;
  for (const hash of [...new Set(hashes)].toSorted((a, b) => a - b)) {
    let more = hash - before;
    for (; more > 127; more >>>= 7) bytes.push((more & 127) | 128);
    bytes.push(more);
    before = hash;
  }
  return Uint8Array.from(bytes);
}

export function decodeHashes(bytes: Uint8Array): Set<number> {
  const hashes = new Set<number>();
  let [before, more, shift] = [0, 0, 0];
  for (const byte of bytes) {
    more |= (byte & 127) << shift;
    shift += 7;
    if (byte > 127) continue;
    before += more;
    hashes.add(before);
    [more, shift] = [0, 0];
  }
  return hashes;
}
