import { type Check, getCheck } from "./work.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { toStorableJson } from "#lib/util/storable.ts";
import { type CurveOutcome, pairOfCurve, writeCurve } from "./curve-repository.ts";
import { curveFound, curveRaw } from "./curve-schema.ts";

/** The worker's side of curves. Every write names its attempt, and changes nothing when another has begun. */

/** What its pair was measured on. @throws as `getCheck` */
export async function getCurveCheck(id: string): Promise<Check> {
  const pairId = await pairOfCurve(id);
  if (pairId === null)
    throw new AppError("not_found", "The measurement that this belongs to is gone; nothing is left to do.");
  return getCheck(pairId, { kind: "curve", subjectId: id });
}

export const saveProgress = (id: string, attempt: number, progress: object): Promise<boolean> =>
  save({ kind: "curve", subjectId: id, attempt }, progress);

/** @returns false when this attempt is not the last one; nothing was written then */
export function recordCurve(
  id: string,
  attempt: number,
  { result, raw, ...outcome }: Omit<CurveOutcome, "raw" | "result"> & { readonly result: object; readonly raw: object },
): Promise<boolean> {
  const stored = {
    ...outcome,
    result: curveFound.parse(toStorableJson(result)),
    raw: curveRaw.parse(toStorableJson(raw)),
  };
  return inLockedTransaction(database(), async (transaction) => {
    const hold = { kind: "curve", subjectId: id, attempt } as const;
    if (!(await holdsAttempt(transaction, hold))) return false;
    await writeCurve(transaction, id, stored);
    return succeedAttempt(transaction, hold);
  });
}
