import { stat } from "node:fs/promises";
import { join } from "node:path";
import { env } from "#lib/env.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { BlobCache } from "./blob-cache.ts";
import { missingBytes, type StoredBlob } from "./fetch-blob.ts";
import type { BlobFiles, HeldFile } from "./held-file.ts";

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
