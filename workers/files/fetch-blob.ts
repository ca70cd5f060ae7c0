import { createHash } from "node:crypto";
import { type FileHandle, open } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { AppError, failures } from "#lib/errors.ts";
import type { ByteRange, ObjectStore } from "#lib/storage/store.ts";
import { inOrderAhead } from "#lib/util/in-order-ahead.ts";

/** Content that a worker of ours once read whole, and where it lies in the store. */
export interface StoredBlob {
  readonly sha256: string;
  readonly size: number;
  readonly storageKey: string;
}

const RANGE_BYTES = 16 * 2 ** 20;
const LANES = 4; // one connection seldom fills a line; this holds 64 MB in memory
const ATTEMPTS = 4;
const FIRST_PAUSE_MS = 500;

/**
 * Writes a blob's bytes from the store into a file that is there, several ranges at a time. They are hashed in their order as they pass, so that
 * the file need not be read again.
 *
 * @throws bytes_differ when they are not the blob's; internal when the store does not have them; what the store throws
 */
export async function fetchBlob(store: ObjectStore, blob: StoredBlob, path: string): Promise<void> {
  const file = await open(path, "r+");
  try {
    const sha256 = await copy(store, blob, file);
    if (sha256 !== blob.sha256)
      throw new AppError(
        "bytes_differ",
        `The store's bytes of ${blob.sha256} are others (sha256 ${sha256}); run guidepost fsck, and put that object back from a backup.`,
        { expected: blob.sha256, actual: sha256 },
      );
    await file.sync();
  } finally {
    await file.close();
  }
}

async function copy(store: ObjectStore, blob: StoredBlob, file: FileHandle): Promise<string> {
  const hash = createHash("sha256");
  const ranges = Array.from({ length: Math.ceil(blob.size / RANGE_BYTES) }, (_, index): ByteRange => ({
    begin: index * RANGE_BYTES,
    end: Math.min(blob.size, (index + 1) * RANGE_BYTES),
  }));
  let begin = 0;
  for await (const bytes of inOrderAhead(ranges, LANES, (range, signal) => readRange(store, blob, range, signal))) {
    const written = file.write(bytes, 0, bytes.length, begin);
    hash.update(bytes);
    await written;
    begin += bytes.length;
  }
  return hash.digest("hex");
}

async function readRange(
  store: ObjectStore,
  blob: StoredBlob,
  range: ByteRange,
  signal: AbortSignal,
): Promise<Uint8Array> {
  for (let attempt = 1; ; attempt++) {
    try {
      const bytes = new Uint8Array(range.end - range.begin);
      let filled = 0;
      for await (const piece of (await store.read(blob.storageKey, range, signal)) as AsyncIterable<Uint8Array>) {
        bytes.set(piece, filled);
        filled += piece.byteLength;
      }
      return bytes;
    } catch (cause) {
      const code = cause instanceof AppError ? cause.code : null;
      if (code === "not_found" || code === "range_not_satisfiable") throw missingBytes(blob, cause);
      if (code === null || !failures[code].temporary || attempt === ATTEMPTS) throw cause;
      await sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1), undefined, { signal });
    }
  }
}

export const missingBytes = ({ sha256, size }: StoredBlob, cause?: unknown): AppError =>
  new AppError(
    "internal",
    `The store does not have the ${size} bytes of ${sha256}; run guidepost fsck, and put that object back from a backup.`,
    { sha256, size },
    cause,
  );
