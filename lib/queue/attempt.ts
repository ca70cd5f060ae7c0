import { randomUUID } from "node:crypto";
import { fromPrisma } from "pg-boss";
import { type Database, database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { toStorableText } from "#lib/util/storable.ts";
import { affectedBy, queue } from "./boss.ts";
import { correctTurn } from "./choose.ts";
import type { Claim } from "./claim.ts";
import { wakeWorkers } from "./enqueue.ts";
import { type JobKind, type JobPayload, type JobResource, priorities, subjectOf } from "./jobs.ts";
import type { Need } from "./room.ts";
import { addEvent } from "./timeline.ts";

/** How an attempt ends. Each names the attempt, and changes nothing when another has begun or none is wanted any more. */

export interface Attempt {
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly attempt: number;
}

/** Whether it is still this attempt's to write. Until the transaction ends nobody cancels it, or takes it away. */
export async function holdsAttempt(transaction: Transaction, { kind, subjectId, attempt }: Attempt): Promise<boolean> {
  const rows = await transaction.$queryRaw<{ one: number }[]>`
    SELECT 1 AS one FROM job WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND attempt = ${attempt} AND state = 'running' FOR NO KEY UPDATE`;
  return rows.length > 0;
}

type Subject = Omit<Attempt, "attempt">;

/** Whose turn a job takes: what follows from it is theirs too. Null: the hub's own. */
export const ownerOf = (client: Transaction, subject: Subject): Promise<string | null> =>
  personOf(client, subject, priorities.batch);

/** Who asked for it by name, and waits. */
export const waiterOf = (client: Transaction, subject: Subject): Promise<string | null> =>
  personOf(client, subject, priorities.person);

/** Null also where the job is less urgent than `least`. */
async function personOf(client: Transaction, { kind, subjectId }: Subject, least: number): Promise<string | null> {
  const [row] = await client.$queryRaw<{ userId: string | null }[]>`
    SELECT user_id AS "userId" FROM job WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND priority >= ${least}`;
  return row?.userId ?? null;
}

/** With what came of it, in the transaction that writes that. @returns false when it was not this attempt's to end */
export const succeedAttempt = (transaction: Transaction, attempt: Attempt): Promise<boolean> =>
  end(transaction, attempt, "succeeded", null);

/** What it kept stays, for whoever goes on. @returns false when it was not this attempt's to end */
export const failAttempt = (attempt: Attempt, problem: string): Promise<boolean> =>
  inLockedTransaction(database(), (transaction) => end(transaction, attempt, "failed", toStorableText(problem)));

/** There was nothing to do, since the subject ended otherwise. */
export const dropAttempt = (attempt: Attempt): Promise<boolean> =>
  inLockedTransaction(database(), (transaction) => end(transaction, attempt, "cancelled", null));

async function end(
  transaction: Transaction,
  { kind, subjectId, attempt }: Attempt,
  state: "succeeded" | "failed" | "cancelled",
  problem: string | null,
): Promise<boolean> {
  const [row] = await transaction.$queryRaw<{ queueId: string; resource: JobResource }[]>`
    UPDATE job SET state = ${state}::job_state, problem = ${problem}, checkpoint_key = CASE WHEN ${state} = 'failed' THEN checkpoint_key END, finished_at = now()
    WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND attempt = ${attempt} AND state = 'running'
    RETURNING queue_id AS "queueId", resource`;
  if (!row) return false;
  await (await queue()).complete(row.resource, row.queueId, null, { db: fromPrisma(transaction) });
  return true;
}

/** How long it worked: what its person's turn was really worth; and, if all its work was done, how long the next takes. */
export async function recordRun(
  { id, attempt, resource, groupId, counted, work }: Claim,
  seconds: number,
  isWhole: boolean,
): Promise<void> {
  // Its row may say by now how much the next part is.
  const rate = isWhole && work > 0 && seconds > 0 ? seconds / work : null;
  await database().$executeRaw`
    UPDATE job SET ran = ${seconds}, rate = coalesce(${rate}, rate), rated_at = CASE WHEN ${rate}::float8 IS NULL THEN rated_at ELSE now() END
    WHERE id = ${id}::uuid AND attempt = ${attempt}`;
  await correctTurn(database(), resource, groupId, seconds - counted);
}

/** Of a job that is cancelled: whether it may go on later from its checkpoint. */
interface Cancelling {
  readonly message: string;
  readonly keepsCheckpoint: boolean;
}

/**
 * Takes a job away from its worker, which then stops, or out of the queue.
 * @returns whether there was something to cancel
 */
export async function cancelJob(
  client: Database | Transaction,
  kind: JobKind,
  subjectId: string,
  { message, keepsCheckpoint }: Cancelling = { message: "Cancelled.", keepsCheckpoint: false },
): Promise<boolean> {
  const [row] = await client.$queryRaw<{ id: string; queueId: string; resource: JobResource }[]>`
    UPDATE job SET state = 'cancelled', checkpoint_key = CASE WHEN ${keepsCheckpoint} THEN checkpoint_key END, finished_at = now() WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND state IN ('queued', 'running')
    RETURNING id, queue_id AS "queueId", resource`;
  if (!row) return false;
  await (await queue()).cancel(row.resource, row.queueId, { db: fromPrisma(client) });
  await client.$executeRaw`SELECT pg_notify('guidepost', ${row.id})`; // its worker watches
  await addEvent(client, {
    subject: subjectOf[kind],
    subjectId,
    jobId: row.queueId,
    attempt: 0,
    kind: "cancelled",
    message,
  });
  return true;
}

/** Of a job that has ended. The sweeper removes what it was. */
export async function forgetCheckpoint(transaction: Transaction, kind: JobKind, subjectId: string): Promise<void> {
  await transaction.$executeRaw`
    UPDATE job SET checkpoint_key = NULL WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND state NOT IN ('queued', 'running')`;
}

export interface Return {
  /** In seconds, until somebody may take it. */
  readonly delay: number;
  /** For the timeline. */
  readonly reason: string;
  /** What it turned out to need of memory, where that is why; workers that have less are not asked. */
  readonly need?: Need | null;
}

/**
 * A worker puts a job back, to be done later or elsewhere, with its place in the queue. This is no loss, however often it happens.
 * @returns false when it was not the worker's any more; nothing was changed then
 */
export function returnJob(
  { id, kind, subjectId, attempt, resource, queueId }: Claim,
  { delay, reason, need = null }: Return,
): Promise<boolean> {
  return inLockedTransaction(database(), async (transaction) => {
    const [boss, db, newId] = [await queue(), fromPrisma(transaction), randomUUID()];
    const [row] = await transaction.$queryRaw<{ ticket: number }[]>`
      UPDATE job SET state = 'queued', queue_id = ${newId}::uuid, ticket = nextval('job_ticket')::int, worker_id = NULL, started_at = NULL,
        returns = returns + 1, available_at = now() + ${delay} * interval '1 second', needs_bytes = coalesce(${need?.bytes ?? null}::bigint, needs_bytes), needs_for = coalesce(${need?.what ?? null}, needs_for)
      WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running' RETURNING ticket`;
    if (!row) return false;
    const payload: JobPayload = { kind, subjectId };
    await boss.complete(resource, queueId, null, { db });
    await boss.send(resource, payload, { id: newId, priority: row.ticket, db });
    await wakeWorkers(transaction, resource);
    await addEvent(transaction, {
      subject: subjectOf[kind],
      subjectId,
      jobId: queueId,
      attempt,
      kind: "retried",
      message: reason,
    });
    return true;
  });
}

/** Says that a worker still has it. @returns false once it was cancelled, or given to another; null where the database does not answer */
export async function keepClaim({ id, attempt, resource, queueId }: Claim): Promise<boolean | null> {
  try {
    const touched = affectedBy(await (await queue()).touch(resource, queueId)) > 0;
    const rows = await database().$queryRaw<{ one: number }[]>`
      SELECT 1 AS one FROM job WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running'`;
    return touched && rows.length > 0;
  } catch {
    return null;
  }
}
