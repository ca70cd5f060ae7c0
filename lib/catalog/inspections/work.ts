import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { toStorableJson, toStorableText } from "#lib/util/storable.ts";
import {
  askAgain,
  claimRow,
  type Found,
  orphansOf,
  type Subject,
  subjectOf,
  writeFailure,
  writeFound,
} from "./repository.ts";
import { storedFacts } from "./schema.ts";

/** The worker's side of inspections. Every write names its attempt, and changes nothing when another has begun. */

/** @returns the number of the attempt; null where there is nothing to do */
export const claimInspection = (id: string): Promise<number | null> => claimRow(id);

export async function getSubject(id: string): Promise<Subject> {
  const subject = await subjectOf(id);
  if (!subject) throw new AppError("not_found", "The commit to inspect is gone; nothing is left to do.");
  return subject;
}

/** What was found, as it comes from the reader: its facts hold text of strangers. */
export type Reading = Omit<Found, "facts"> & { readonly facts: object };

/** @returns false when this attempt is not the last one; nothing was written then */
export const recordInspection = (
  transaction: Transaction,
  id: string,
  attempt: number,
  reading: Reading,
): Promise<boolean> =>
  writeFound(transaction, id, attempt, { ...reading, facts: storedFacts.parse(toStorableJson(reading.facts)) });

export const failInspection = (id: string, attempt: number, failure: AppError): Promise<boolean> =>
  writeFailure(id, attempt, toStorableText(failure.message));

const MAX_ORPHANS = 100;

/** A base is there: what found none before is inspected again. Stops where the queue is full. */
export async function askOrphansAgain(transaction: Transaction, base: Subject, contract: string): Promise<void> {
  for (const id of await orphansOf(transaction, base, contract, MAX_ORPHANS)) {
    try {
      await askAgain(transaction, id, await enqueue(transaction, "inspect", id, "batch"));
    } catch (failure) {
      if (failure instanceof AppError && failure.code === "queue_full") return;
      throw failure;
    }
  }
}
