import { findFileRow } from "#lib/catalog/files/repository.ts";
import { objectStore } from "#lib/storage/open-store.ts";

/** Larger than any list of prompts or of few words: CLIP's own vocabulary has 1 MB, and is not for reading here. */
const MAX_BYTES = 256 * 1024;

// By the sha256 of what was read. What it is never changes.
const kept = new Map<string, string>();
const MAX_KEPT = 64; // of a few KiB each; 16 MiB if all were as long as they may be

/** The text of a small file of a commit; null where there is none, or it is larger. */
export async function readSmallFile(commitId: string, path: string): Promise<string | null> {
  const file = await findFileRow(commitId, path);
  if (!file || file.size > MAX_BYTES) return null;
  const text = kept.get(file.sha256) ?? (file.size === 0 ? "" : Buffer.concat(await (await objectStore().read(file.storageKey, { begin: 0, end: file.size })).toArray()).toString());
  kept.delete(file.sha256);
  kept.set(file.sha256, text);
  if (kept.size > MAX_KEPT) kept.delete(kept.keys().next().value!);
  return text;
}
