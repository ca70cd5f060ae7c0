import type { HashAlgorithm } from "#lib/db/generated/client.ts";
import { AppError } from "#lib/errors.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { database } from "#lib/db/client.ts";
import { ContentHasher, namesOf } from "./hasher.ts";
import { type BlobRow, findBlobRow, findByHash, insertBlob, isPurging, keepBlob } from "./repository.ts";

export { insertBlob };
export type { BlobRow };

/**
 * Stores a small content that is in memory: the object first, then its row. Content that is there already is kept once. Until
 * something names it, it stays for the grace.
 *
 * `mayTell`: whether somebody may know that the content is there. Who may not has it stored as if it were new, to the same end and in the
 * same time: else whoever guesses a small file would learn that somebody has it. @throws upload_not_ready while old bytes of it are being removed
 *
 * `isWeights`: a safetensors file, which has the names that tools know weights by too.
 */
export async function storeBytes(
  bytes: Uint8Array,
  mayTell: (sha256: string) => Promise<boolean> = async () => true,
  isWeights = false,
): Promise<{ sha256: string; size: number }> {
  const size = bytes.byteLength;
  const hasher = new ContentHasher(size);
  hasher.update(bytes);
  const hashes = namesOf(hasher.digest(), isWeights);
  const { sha256 } = hashes;
  const [isThere, isTold] = [await keepBlob(sha256), await mayTell(sha256)];
  if (isThere && isTold) return { sha256, size };
  if (isTold && (await isPurging(sha256))) throw blobIsPurging();

  const storageKey = newObjectKey();
  const { tag } = await objectStore().put(storageKey, bytes);
  const isOurs = await insertBlob(database(), hashes, { size, storageKey, storageTag: tag });
  if (!isOurs && !isThere && !(await keepBlob(sha256))) throw blobIsPurging(); // stored by another meanwhile
  // Not waited for: what was stored twice is nobody's, and the sweeper finds what this misses.
  if (!isOurs)
    objectStore()
      .delete(storageKey)
      .catch(() => {});
  return { sha256, size };
}

/** @throws not_found */
export async function getBlob(sha256: string): Promise<BlobRow> {
  const row = await findBlobRow(sha256);
  if (!row)
    throw new AppError("not_found", `There is no content with the sha256 ${sha256}; it may have been removed.`, {
      sha256,
    });
  return row;
}

/** The first bytes of a content, at most `limit` of them. @throws storage_unavailable */
export async function readBeginning(
  { storageKey, size }: Pick<BlobRow, "storageKey" | "size">,
  limit: number,
): Promise<Uint8Array> {
  if (size === 0) return new Uint8Array(); // a store has no range of nothing
  return Buffer.concat(
    await (await objectStore().read(storageKey, { begin: 0, end: Math.min(size, limit) })).toArray(),
  );
}

/** By any name that tools know a content by, in small hexadecimal letters. Of several the oldest: the short names are not unique. */
export const findBlobByHash = (algorithm: HashAlgorithm | "sha256", value: string): Promise<BlobRow | null> =>
  algorithm === "sha256" ? findBlobRow(value) : findByHash(algorithm, value);

export const blobIsPurging = (cause?: unknown): AppError =>
  new AppError(
    "upload_not_ready",
    "The hub cannot take this content at this very moment; try again in a minute.",
    { retryAfter: 60 },
    cause,
  );
