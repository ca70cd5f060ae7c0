import { createHash } from "node:crypto";
import { env } from "#lib/env.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { bytesKept, deleteOldest, deleteUnused, insertPiece } from "./repository.ts";

const KEPT_SECONDS = 30 * 86_400;

/** Where there is too much, so much of the limit is left: else a little would go at every sweep. */
const LEFT_OF_LIMIT = 0.9;

const AT_ONCE = 500;

/** How many bytes more may be kept. */
export const roomForPieces = async (): Promise<number> => env().keptBytes - (await bytesKept());

/** The bytes come before the row that names them; what a crash leaves between the two, the sweeper of the store removes. */
export async function keepPiece(unitHash: string, name: string, bytes: Uint8Array): Promise<void> {
  const storageKey = newObjectKey();
  await objectStore().put(storageKey, bytes);
  const sha256 = createHash("sha256").update(bytes).digest("hex");
  const isNew = await insertPiece(unitHash, { name, storageKey, sha256, size: BigInt(bytes.length) });
  if (!isNew) await objectStore().delete(storageKey);
}

/** What nobody measures on any more goes, and what is more than the operator allows, the least used first. @returns how many pieces */
export async function sweepPieces(now: Date, mostBytes = env().keptBytes): Promise<number> {
  const usedBefore = new Date(now.getTime() - KEPT_SECONDS * 1000);
  const unused = await removeAll(() => deleteUnused(usedBefore, AT_ONCE));
  const tooMuch = await removeAll(async () => {
    const kept = await bytesKept();
    return kept > mostBytes ? deleteOldest(kept - LEFT_OF_LIMIT * mostBytes, AT_ONCE) : [];
  });
  return unused + tooMuch;
}

/** Rows first: an object that no row names is found by the sweeper of the store. */
async function removeAll(some: () => Promise<readonly string[]>): Promise<number> {
  let count = 0;
  for (let keys = await some(); keys.length > 0; keys = await some()) {
    for (const key of keys) await objectStore().delete(key);
    count += keys.length;
  }
  return count;
}
