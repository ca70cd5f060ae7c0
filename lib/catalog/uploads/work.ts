import { blobIsPurging, insertBlob } from "#lib/catalog/blobs/service.ts";
import type { ContentHashes } from "#lib/catalog/blobs/hasher.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress } from "#lib/queue/progress.ts";
import { addEvent } from "#lib/queue/timeline.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { findHashing, move, type UploadRow } from "./repository.ts";

/** The worker's side of uploads. */

/** What is to be read; null when it is not to be read any more. */
export const stagedUpload = (id: string): Promise<UploadRow | null> => findHashing(id);

/** @returns false when this attempt does not count any more and may stop */
export const noteRead = ({ id, size }: UploadRow, attempt: number, done: number): Promise<boolean> =>
  saveProgress({ kind: "hash", subjectId: id, attempt }, { done, total: size });

/**
 * Every byte was read: the upload is verified, and its object is the content's unless that is stored already; then it is left to
 * the sweeper. @throws upload_not_ready while old bytes of the same content are being removed
 */
export async function recordVerified(
  { id, size, storageKey }: UploadRow,
  attempt: number,
  storageTag: string,
  hashes: ContentHashes,
): Promise<void> {
  const { sha256 } = hashes;
  try {
    await inLockedTransaction(database(), async (transaction) => {
      const hold = { kind: "hash", subjectId: id, attempt } as const;
      if (!(await holdsAttempt(transaction, hold))) return; // before it makes a blob
      // Whether the content is new is not told: somebody else's private file may be the same.
      await insertBlob(transaction, hashes, { size, storageKey, storageTag });
      await move(transaction, id, ["hashing"], "verified", { blobSha256: sha256 });
      await succeedAttempt(transaction, hold);
      await addEvent(transaction, {
        subject: "upload",
        subjectId: id,
        attempt,
        kind: "progress",
        message: "Every byte was read.",
        detail: { sha256, size },
      });
      failpoint("hash.blob");
    });
  } catch (cause) {
    throw violatedRule(cause) === "blob_is_purging" ? blobIsPurging(cause) : cause;
  }
}
