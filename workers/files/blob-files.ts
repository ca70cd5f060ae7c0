import { stat } from "node:fs/promises";
import { join } from "node:path";
import { env } from "#lib/env.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { BlobCache } from "./blob-cache.ts";
import { missingBytes, type StoredBlob } from "./fetch-blob.ts";

export interface HeldFile {
  /** Absolute. The bytes there are the blob's until it is released; nobody may write to it. */
  readonly path: string;
  /** Once or more often. */
  release(): void;
}

/** Blobs as files, for what needs a path: networks are read by the runtime itself. */
export interface BlobFiles {
  /** @throws bytes_differ when the store has other bytes than were verified, internal when it has none; what the store throws */
  path(blob: StoredBlob): Promise<HeldFile>;
}

let opened: BlobFiles | undefined;

/** The disk store's own files, or a cache of this machine for a store elsewhere. */
export function blobFiles(): BlobFiles {
  return (opened ??= openBlobFiles());
}

function openBlobFiles(): BlobFiles {
  const store = objectStore();
  if (store.kind === "s3") return new BlobCache(store, join(env().dataFolder, "cache", "blobs"), env().cacheBytes);
  return { path: (blob) => ownFile(store as DiskStore, blob) };
}

async function ownFile(store: DiskStore, blob: StoredBlob): Promise<HeldFile> {
  const path = store.pathOf(blob.storageKey);
  const facts = await stat(path).catch((cause: unknown) => {
    throw missingBytes(blob, cause);
  });
  if (facts.size !== blob.size) throw missingBytes(blob);
  return { path, release: () => {} };
}
