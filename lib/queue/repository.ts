import { type Database, database } from "#lib/db/client.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { JobKind } from "./jobs.ts";

/** The rows beside pg-boss's own: the timeline, the workers, and the state of a row whose job goes back into its queue. */

export type EventRow = Prisma.JobEventUncheckedCreateInput;

export async function insertEvent(client: Database | Transaction, event: EventRow): Promise<void> {
  await client.jobEvent.create({ data: event, select: { id: true } });
}

export const eventsOf = (subjectId: string, limit: number) =>
  database().jobEvent.findMany({ where: { subjectId }, orderBy: { id: "desc" }, take: limit, select: { kind: true, attempt: true, message: true, detail: true, at: true, jobId: true } });

export async function deleteEventsBefore(at: Date): Promise<number> {
  return (await database().jobEvent.deleteMany({ where: { at: { lt: at } } })).count;
}

/** Back into the line: a row that says `running` while nobody works on it would lie. An upload has no such states. */
export async function markQueued(transaction: Transaction, kind: JobKind, subjectId: string, attempt: number): Promise<void> {
  const running = { where: { id: subjectId, attempt, state: "running" as const }, data: { state: "queued" as const } };
  if (kind === "inspect") await transaction.inspection.updateMany(running);
  if (kind === "check") await transaction.pair.updateMany(running);
  if (kind === "preview") await transaction.preview.updateMany(running);
}

export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly runtime: string;
}

/** Says that a worker is there. It is made again if somebody removed it meanwhile. */
export async function upsertWorker(worker: WorkerRow): Promise<void> {
  const seenAt = new Date();
  await database().worker.upsert({ where: { id: worker.id }, create: { ...worker, seenAt }, update: { seenAt, stoppedAt: null }, select: { id: true } });
}

export async function markWorkerStopped(id: string): Promise<void> {
  await database().worker.updateMany({ where: { id }, data: { stoppedAt: new Date() } });
}

export async function deleteWorkersSeenBefore(at: Date): Promise<void> {
  await database().worker.deleteMany({ where: { seenAt: { lt: at } } });
}

export const workersSeenSince = (at: Date) =>
  database().worker.findMany({ where: { seenAt: { gte: at }, stoppedAt: null }, orderBy: { startedAt: "asc" }, select: { id: true, host: true, version: true, runtime: true, startedAt: true, seenAt: true } });
