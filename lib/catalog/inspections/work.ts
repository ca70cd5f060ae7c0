import type { Transaction } from "#lib/db/transaction.ts";
import { holdsAttempt, succeedAttempt } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { toStorableJson } from "#lib/util/storable.ts";
import { authorOf, type Found, orphansOf, type Subject, subjectOf, writeFound } from "./repository.ts";
import { storedFacts } from "./schema.ts";

/** The worker's side of inspections. Every write names its attempt, and changes nothing when another has begun. */

/** Null where the commit's repo is gone, and nothing is left to do. */
export const getSubject = (id: string): Promise<Subject | null> => subjectOf(id);

/** What was found, as it comes from the reader: its facts hold text of strangers. */
export type Reading = Omit<Found, "facts"> & { readonly facts: object };

/** @returns false when this attempt is not the last one; nothing was written then */
export async function recordInspection(
  transaction: Transaction,
  id: string,
  attempt: number,
  reading: Reading,
): Promise<boolean> {
  const hold = { kind: "inspect", subjectId: id, attempt } as const;
  if (!(await holdsAttempt(transaction, hold))) return false;
  await writeFound(transaction, id, { ...reading, facts: storedFacts.parse(toStorableJson(reading.facts)) });
  return succeedAttempt(transaction, hold);
}

const MAX_ORPHANS = 100;

/** A base is there: what found none before is inspected again. */
export async function askOrphansAgain(transaction: Transaction, base: Subject, contract: string): Promise<void> {
  for (const id of await orphansOf(transaction, base, contract, MAX_ORPHANS))
    await enqueue(transaction, {
      kind: "inspect",
      subjectId: id,
      priority: "batch",
      userId: await authorOf(transaction, id),
    });
}
