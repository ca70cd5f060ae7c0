import { fromPrisma, type JobWithMetadata } from "pg-boss";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { queue } from "./boss.ts";
import { type JobPayload, MAX_LOSSES, subjectOf } from "./jobs.ts";
import { markQueued } from "./repository.ts";
import { addEvent } from "./timeline.ts";

/** A job as a worker holds it; `retryCount` is what its claim is known by. */
export type HeldJob = JobWithMetadata<JobPayload>;

/** How often a job came back without its worker having been lost: each time raised its limit by one. */
export const timesReturned = ({ retryLimit }: HeldJob): number => retryLimit - MAX_LOSSES;

export interface Return {
  /** Of the row, as this worker claimed it; 0 where it did not. */
  readonly attempt: number;
  /** In seconds, until somebody may take it. */
  readonly delay: number;
  /** For the timeline. */
  readonly reason: string;
}

/**
 * A worker puts a job back, to be done later or elsewhere, with its place and its row's state. This is no loss, however often it
 * happens. @returns false when it was not the worker's any more; nothing was changed then
 */
export function returnJob(job: HeldJob, { attempt, delay, reason }: Return): Promise<boolean> {
  return inLockedTransaction(database(), async (transaction) => {
    const [boss, db, { kind, subjectId }] = [await queue(), fromPrisma(transaction), job.data];
    const { rows } = await db.executeSql(
      "UPDATE pgboss.job SET retry_limit = retry_limit + 1 WHERE name = $1 AND id = $2::uuid AND state = 'active' AND retry_count = $3 RETURNING id",
      [job.name, job.id, job.retryCount],
    );
    if (rows.length === 0) return false;
    await boss.fail(job.name, job, { reason }, { db });
    await boss.update(job.name, undefined, { id: job.id, startAfter: delay, db }); // tells the workers, where it may begin now
    await markQueued(transaction, kind, subjectId, attempt);
    await addEvent(transaction, {
      subject: subjectOf[kind],
      subjectId,
      jobId: job.id,
      attempt,
      kind: "retried",
      message: reason,
    });
    return true;
  });
}
