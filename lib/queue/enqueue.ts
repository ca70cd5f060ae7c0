import { randomUUID } from "node:crypto";
import { fromPrisma } from "pg-boss";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { askQueue, queue } from "./boss.ts";
import {
  HUB_GROUP,
  type JobKind,
  type JobLane,
  type JobPayload,
  type JobResource,
  ownLimits,
  priorities,
  type Priority,
  resourceOf,
  subjectOf,
  usualLane,
  WAITING_LIMIT,
} from "./jobs.ts";
import { ownUse, type OwnUse } from "./own-limits.ts";
import { secondsFor } from "./rates.ts";
import { type Need, requireWorkerFor } from "./room.ts";
import { addEvent } from "./timeline.ts";

export interface NewJob {
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly priority: Priority;
  /** Whose turn it takes: whoever asked for it, or whose commit it follows from. Nobody: the hub's own. */
  readonly userId?: string | null | undefined;
  readonly lane?: JobLane;
  /** What a worker holds open after it. */
  readonly modelKey?: string | null;
  /** How much it is, in units of its kind, above 0. */
  readonly work?: number;
  /** Of a worker's memory; null where nothing tells. */
  readonly need?: Need | null;
  /** From where the last attempt got to, where it has ended; else all of it is done again. */
  readonly goesOn?: boolean;
}

/**
 * Asks for a job within `transaction`: it is there if and only if the row that it is about is. A subject has one job of a kind: what has
 * ended is begun anew, what runs is done once more from the start, and what waits goes on waiting, at the higher of the two priorities
 * and as one of whoever asks: it counts among theirs, too.
 *
 * @throws rate_limited where workers have computed as long for this person as they may in a day; queue_full with how long the wait is, where too many that run networks are waiting for the same person; never for files; too_little_memory where somebody
 *   waits for what no worker of the last day could do: what nobody waits for is put there, and ends with the same sentence
 */
export async function enqueue(transaction: Transaction, job: NewJob): Promise<void> {
  const { kind, subjectId, priority, userId = null, need = null, goesOn = false } = job;
  const boss = await queue(); // first: on a hub's first day its tables are made, which the transaction would not see
  const known = await peek(job);
  const isWaiting = known?.state === "queued";
  if (isWaiting && known.priority >= priorities[priority]) return;
  await requireRoom(kind, priority, userId);
  if (priority === "person") await requireWorkerFor(need);
  const [resource, db, queueId] = [resourceOf[kind], fromPrisma(transaction), randomUUID()];
  const [put] = await transaction.$queryRaw<{ ticket: number; queueId: string }[]>`
    INSERT INTO job (id, kind, subject_id, resource, lane, priority, user_id, model_key, work, needs_bytes, needs_for, queue_id)
    VALUES (${randomUUID()}::uuid, ${kind}::job_kind, ${subjectId}::uuid, ${resource}::job_resource, ${job.lane ?? usualLane[kind]}::job_lane,
      ${priorities[priority]}, ${userId}, ${job.modelKey ?? null}, ${job.work ?? 1}, ${need?.bytes ?? null}::bigint, ${need?.what ?? null}, ${queueId}::uuid)
    ON CONFLICT (subject_id, kind) DO UPDATE SET priority = greatest(EXCLUDED.priority, CASE job.state WHEN 'queued' THEN job.priority END),
      user_id = coalesce(EXCLUDED.user_id, CASE job.state WHEN 'queued' THEN job.user_id END), lane = EXCLUDED.lane, model_key = EXCLUDED.model_key, work = EXCLUDED.work,
      state = 'queued', queue_id = CASE job.state WHEN 'queued' THEN job.queue_id ELSE EXCLUDED.queue_id END, ticket = CASE job.state WHEN 'queued' THEN job.ticket ELSE EXCLUDED.ticket END,
      queued_at = CASE job.state WHEN 'queued' THEN job.queued_at ELSE now() END, needs_bytes = coalesce(EXCLUDED.needs_bytes, job.needs_bytes), needs_for = coalesce(EXCLUDED.needs_for, job.needs_for), worker_id = NULL, returns = 0, ran = 0, checkpoint_key = CASE WHEN ${goesOn} THEN job.checkpoint_key END, problem = NULL,
      available_at = now(), started_at = NULL, finished_at = NULL
    RETURNING ticket, queue_id AS "queueId"`;
  await wakeWorkers(transaction, resource);
  if (put!.queueId !== queueId) return; // it was waiting, and goes before others now
  if (known?.state === "running" && known.queueId !== null) await boss.cancel(resource, known.queueId, { db });
  const payload: JobPayload = { kind, subjectId };
  await boss.send(resource, payload, { id: queueId, priority: put!.ticket, db });
  await addEvent(transaction, {
    subject: subjectOf[kind],
    subjectId,
    jobId: queueId,
    attempt: 0,
    kind: "queued",
    message: "Waiting for a worker.",
  });
}

interface Known {
  readonly state: string;
  readonly priority: number;
  readonly queueId: string | null;
}

/** Outside of the transaction, as all that only decides whether it is worth asking: the statement that asks looks again. */
async function peek({ subjectId, kind }: NewJob): Promise<Known | undefined> {
  const [known] = await askQueue<Known>(
    `SELECT state::text, priority, queue_id AS "queueId" FROM job WHERE subject_id = $1 AND kind = $2`,
    [subjectId, kind],
  );
  return known;
}

/** Every idle worker looks for itself when it hears the name of what the job needs. */
export async function wakeWorkers(transaction: Transaction, resource: JobResource): Promise<void> {
  await transaction.$executeRaw`SELECT pg_notify('guidepost', ${resource})`;
}

/** Counted outside of the transaction, which would else conflict with every other that counts; so the limits may be passed by a few. */
async function requireRoom(kind: JobKind, priority: Priority, userId: string | null): Promise<void> {
  const resource = resourceOf[kind];
  if (resource === "files") return;
  const group = userId ?? HUB_GROUP;
  const [row] = await askQueue<{ own: number; all: number }>(
    `SELECT (SELECT count(*)::int FROM job WHERE resource = $1 AND state = 'queued' AND group_id = $2 AND priority = $3) AS own,
       (SELECT count(*)::int FROM (SELECT FROM job WHERE resource = $1 AND state = 'queued' LIMIT $4) waiting) AS "all"`,
    [resource, group, priorities[priority], WAITING_LIMIT],
  );
  const { own, all } = row!;
  const use = priority === "person" && userId !== null ? await ownUse(askQueue, userId) : null;
  if (use) requireDeviceTime(use);
  const limit = priority === "person" ? (use?.jobs.limit ?? Infinity) : ownLimits[priority];
  if (own >= limit)
    await refuse(
      kind,
      own,
      `You have ${own} jobs waiting already, {wait}; let one of them finish or cancel it, then try again.`,
    );
  if (all >= WAITING_LIMIT) await refuse(kind, all, `${all} jobs are waiting already, {wait}; try again later.`);
}

function requireDeviceTime({ deviceSeconds: { used, limit } }: OwnUse): void {
  if (limit === null || used < limit) return;
  throw new AppError(
    "rate_limited",
    `Workers have computed ${duration(used)} for you in the last 24 hours, of the ${duration(limit)} that you may have; wait for some hours, or ask an operator of this hub for more.`,
    { quota: "deviceSeconds", used: Math.round(used), limit, retryAfter: 3600 },
  );
}

async function refuse(kind: JobKind, waiting: number, sentence: string): Promise<never> {
  const each = await secondsFor(kind);
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
