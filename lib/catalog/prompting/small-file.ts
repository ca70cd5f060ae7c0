import { readBeginning } from "#lib/catalog/blobs/service.ts";
import { findFileRow } from "#lib/catalog/files/repository.ts";
import { Recent } from "#lib/util/recent.ts";

/** Larger than any list of prompts or of few words: CLIP's own vocabulary has 1 MB, and is not for reading here. */
const MAX_BYTES = 256 * 1024;

// By the sha256 of what was read. What it is never changes.
const kept = new Recent<string>(64); // of a few KiB each; 16 MiB if all were as long as they may be

/** The text of a small file of a commit; null where there is none, or it is larger. */
export async function readSmallFile(commitId: string, path: string): Promise<string | null> {
  const file = await findFileRow(commitId, path);
  if (!file || file.size > MAX_BYTES) return null;
  return kept.get(file.sha256, async () => Buffer.from(await readBeginning(file, MAX_BYTES)).toString());
}
