import { blobIsPurging, insertBlob } from "#lib/catalog/blobs/service.ts";
import type { ContentHashes } from "#lib/catalog/blobs/hasher.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import type { AppError } from "#lib/errors.ts";
import { addEvent } from "#lib/queue/timeline.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { toStorableText } from "#lib/util/storable.ts";
import { claimRow, findAttempt, writeAttempt, type UploadRow } from "./repository.ts";

/** The worker's side of uploads. */

/** @returns the number of the attempt; null where there is nothing to read: it was aborted, swept or is verified */
export const claimUpload = claimRow;

/** What this attempt is to read; null when it is not its to read any more. */
export const stagedBy = (id: string, attempt: number): Promise<UploadRow | null> => findAttempt(id, attempt);

/** @returns false when this attempt does not count any more and may stop */
export const noteRead = (id: string, attempt: number, readSize: number): Promise<boolean> =>
  writeAttempt(database(), id, attempt, { readSize });

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
      // Touched first, so that an attempt that does not count any more makes no blob.
      if (!(await writeAttempt(transaction, id, attempt, { readSize: size }))) return;
      // Whether the content is new is not told: somebody else's private file may be the same.
      await insertBlob(transaction, hashes, { size, storageKey, storageTag });
      await writeAttempt(transaction, id, attempt, { state: "verified", blobSha256: sha256 });
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

export const failUpload = (id: string, attempt: number, failure: AppError): Promise<boolean> =>
  writeAttempt(database(), id, attempt, { state: "failed", problem: toStorableText(failure.message) });
