import { fromPrisma } from "pg-boss";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { askQueue, queue } from "./boss.ts";
import {
  type JobKind,
  type JobPayload,
  OWN_WAITING_LIMIT,
  priorities,
  type Priority,
  queueOf,
  subjectOf,
  waitingLimits,
} from "./jobs.ts";
import { estimate } from "./position.ts";
import { addEvent } from "./timeline.ts";

/**
 * Puts a job into its queue within `transaction`: it exists if and only if the row that it is about does. Whoever waits for a job of
 * the priority `person` is named by `userId`, so that nobody fills the queue alone.
 *
 * @returns the job's id, to be kept in the row
 * @throws queue_full with how long the wait is, when more are waiting than can be worked off
 */
export async function enqueue(
  transaction: Transaction,
  kind: JobKind,
  subjectId: string,
  priority: Priority,
  userId?: string,
): Promise<string> {
  await requireRoom(kind, priority, userId);
  const payload: JobPayload = { kind, subjectId };
  const options = {
    priority: priorities[priority],
    db: fromPrisma(transaction),
    ...(userId !== undefined && { group: { id: userId } }),
  };
  const jobId = await (await queue()).send(queueOf(kind), payload, options);
  if (jobId === null) throw new AppError("internal", "The job could not be put into its queue; try again.");
  await addEvent(transaction, {
    subject: subjectOf[kind],
    subjectId,
    jobId,
    attempt: 0,
    kind: "queued",
    message: "Waiting for a worker.",
  });
  return jobId;
}

/** Counted outside of the transaction, which would else conflict with every other that counts; so the limits may be passed by a few. */
async function requireRoom(kind: JobKind, priority: Priority, userId?: string): Promise<void> {
  const [row] = await askQueue<{ waiting: number; own: number }>(
    "SELECT count(*)::int AS waiting, (count(*) FILTER (WHERE group_id = $3))::int AS own FROM pgboss.job WHERE name = $1 AND priority = $2 AND state < 'active'",
    [queueOf(kind), priorities[priority], userId ?? null],
  );
  const { waiting, own } = row!;
  if (priority === "person" && own >= OWN_WAITING_LIMIT)
    await refuse(
      kind,
      own,
      `You have ${own} jobs waiting already, {wait}; let one of them finish or cancel it, then try again.`,
    );
  if (waiting >= waitingLimits[priority])
    await refuse(kind, waiting, `${waiting} jobs are waiting already, {wait}; try again later.`);
}

async function refuse(kind: JobKind, waiting: number, sentence: string): Promise<never> {
  const each = await estimate(kind);
  const wait = each === null ? "and how long they take is not known yet" : `about ${duration(each * waiting)} of work`;
  throw new AppError("queue_full", sentence.replace("{wait}", wait), {
    waiting,
    seconds: each && Math.round(each * waiting),
    retryAfter: Math.min(600, Math.max(10, Math.ceil(each ?? 30))),
  });
}

function duration(seconds: number): string {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} seconds`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} minutes` : `${Math.round(seconds / 3600)} hours`;
}
