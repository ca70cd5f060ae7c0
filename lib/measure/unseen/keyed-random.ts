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
