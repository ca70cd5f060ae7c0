import { type Check, getCheck } from "./work.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { toStorableJson } from "#lib/util/storable.ts";
import { findStudy, type StudyOutcome, writeStudy } from "./study-repository.ts";
import { studyFound, type StudyKind, studyRaw } from "./study-schema.ts";

/** The worker's side of curves and envelopes. Every write names its attempt, and changes nothing when another has begun. */

/** What its pair was measured on. @throws as `getCheck` */
export async function getStudyCheck(kind: StudyKind, id: string): Promise<Check> {
  const study = await findStudy(id);
  if (study === null)
    throw new AppError("not_found", "The measurement that this belongs to is gone; nothing is left to do.");
  return getCheck(study.pairId, { kind, subjectId: id });
}

export const saveProgress = (kind: StudyKind, id: string, attempt: number, progress: object): Promise<boolean> =>
  save({ kind, subjectId: id, attempt }, progress);

/** @returns false when this attempt is not the last one; nothing was written then */
export function recordStudy(
  kind: StudyKind,
  id: string,
  attempt: number,
  {
    result,
    raw,
    ...outcome
  }: Omit<StudyOutcome<StudyKind>, "raw" | "result"> & { readonly result: object; readonly raw: object },
): Promise<boolean> {
  const stored = {
    ...outcome,
    result: studyFound[kind].parse(toStorableJson(result)),
    raw: studyRaw[kind].parse(toStorableJson(raw)),
  };
  return inLockedTransaction(database(), async (transaction) => {
    const hold = { kind, subjectId: id, attempt } as const;
    if (!(await holdsAttempt(transaction, hold))) return false;
    await writeStudy(transaction, id, stored);
    return succeedAttempt(transaction, hold);
  });
}
