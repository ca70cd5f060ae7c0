import { randomBytes } from "node:crypto";

/**
 * The key of a new object: 16 random bytes, so that it says nothing of the content, cannot be guessed, and nobody can aim a write
 * at known bytes. The first two make folders, 65,536 at most.
 *
 *   9f/04/6b1c5d…e2      in a bucket, and below the folder of the disk store
 */
export function newObjectKey(): string {
  const name = randomBytes(16).toString("hex");
  return `${name.slice(0, 2)}/${name.slice(2, 4)}/${name.slice(4)}`;
}

/** Whether a text is such a key. Nothing else may become a path or the name of an object. */
export const isObjectKey = (text: string): boolean => /^[0-9a-f]{2}\/[0-9a-f]{2}\/[0-9a-f]{28}$/.test(text);

/** @throws Error: a key that is not of our making is a mistake of ours, wherever it came from */
export function requireObjectKey(key: string): void {
  if (!isObjectKey(key)) throw new Error(`${JSON.stringify(key)} is not the key of an object.`);
}
