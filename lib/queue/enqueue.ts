import type { Transaction } from "#lib/db/transaction.ts";
import type { JobKind, Priority } from "./jobs.ts";

/**
 * Puts a job into its queue within `transaction`: it exists if and only if the row that it is about does. @returns the job's id,
 * to be kept in the row. @throws queue_full with how long the wait is, when more are waiting than can be worked off
 */
export async function enqueue(transaction: Transaction, kind: JobKind, subjectId: string, priority: Priority): Promise<string> {
  throw new Error(`not written yet: ${kind} ${subjectId} ${priority} ${String(transaction)}`);
}
