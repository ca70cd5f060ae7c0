import { anonymous, hub } from "#lib/auth/actor.ts";
import { personById } from "#lib/auth/person.ts";
import { blobIsPurging, storeBytes } from "#lib/catalog/blobs/service.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { AppError } from "#lib/errors.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { toStorableJson } from "#lib/util/storable.ts";
import { insertImage, knownPreview, type NewImage, writeTimings } from "./repository.ts";
import { type Progress, type StoredRecipe, timings, type Timings } from "./schema.ts";

/** The worker's side of previews. Every write names its attempt, and changes nothing when another has begun or it was cancelled. */

/** What is to be drawn. @throws not_found where a repo is gone, or became private while this waited */
export async function getRecipe(id: string): Promise<StoredRecipe> {
  const known = await knownPreview(id);
  if (!known) throw new AppError("not_found", "What was to be drawn is gone; nothing is left to do.");
  const { base, lowRank, guide } = known.recipe;
  const parts = [base, ...lowRank, ...(guide ? [guide] : [])];
  const asker = known.userId === null ? hub : ((await personById(known.userId)) ?? anonymous);
  const there = await readableCommits(
    asker,
    parts.map(({ commitId }) => commitId),
  );
  const missing = parts.find(({ commitId }) => !there.has(commitId));
  if (missing)
    throw new AppError(
      "not_found",
      `The repo ${missing.name} is gone, or not for whoever asked any more; choose another and ask again.`,
    );
  return known.recipe;
}

/** @returns false when this attempt is not wanted any more */
export const saveProgress = (id: string, attempt: number, progress: Progress): Promise<boolean> =>
  save(holdOf(id, attempt), progress);

const holdOf = (subjectId: string, attempt: number) => ({ kind: "preview", subjectId, attempt }) as const;

/** The bytes first, then the row that names them. @returns false when this attempt is not wanted any more */
export async function recordPicture(
  id: string,
  attempt: number,
  png: Uint8Array,
  picture: Omit<NewImage, "blobSha256">,
  progress: Progress,
): Promise<boolean> {
  const { sha256 } = await storeBytes(png);
  failpoint("preview.stored");
  try {
    return await inLockedTransaction(database(), async (transaction) => {
      if (!(await holdsAttempt(transaction, holdOf(id, attempt)))) return false;
      await insertImage(transaction, id, attempt, { ...picture, blobSha256: sha256 });
      return save(holdOf(id, attempt), progress, transaction); // which tells who watches
    });
  } catch (cause) {
    if (violatedRule(cause) === "blob_is_purging") throw blobIsPurging(cause);
    throw cause;
  }
}

/** @returns false when this attempt is not wanted any more */
export const recordSuccess = (id: string, attempt: number, took: Timings): Promise<boolean> =>
  inLockedTransaction(database(), async (transaction) => {
    if (!(await holdsAttempt(transaction, holdOf(id, attempt)))) return false;
    await writeTimings(transaction, id, attempt, timings.parse(toStorableJson(took)));
    return succeedAttempt(transaction, holdOf(id, attempt));
  });
