import { createHmac } from "node:crypto";

/** Numbers in [0, 1) that nobody foretells who does not have the key, and that are the same for whoever has: HMAC-SHA256 of a count. */
export function keyedRandom(key: string): () => number {
  let [block, at, count] = [Buffer.alloc(0), 0, 0];
  return () => {
    if (at === block.length) [block, at] = [createHmac("sha256", key).update(String(count++)).digest(), 0];
    at += 4;
    return block.readUInt32BE(at - 4) / 2 ** 32;
  };
}

/** All of a list, in an order that the key decides (Fisher & Yates). */
export function inDrawnOrder<T>(list: readonly T[], key: string): T[] {
  const random = keyedRandom(key);
  const drawn = [...list];
  for (let i = drawn.length - 1; i > 0; i--) {
    const other = Math.floor(random() * (i + 1));
    [drawn[i], drawn[other]] = [drawn[other]!, drawn[i]!];
  }
  return drawn;
}
