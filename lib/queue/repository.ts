import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { JobKind } from "./jobs.ts";

/** The rows beside pg-boss's own: the workers, and the state of a row whose job goes back into its queue. */

/** Back into the line: a row that says `running` while nobody works on it would lie. An upload has no such states. */
export async function markQueued(
  transaction: Transaction,
  kind: JobKind,
  subjectId: string,
  attempt: number,
): Promise<void> {
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

/** Says that a worker is there, by the database's clock: those of machines differ. It is made again if somebody removed it meanwhile. */
export async function upsertWorker({ id, host, pid, version, runtime }: WorkerRow): Promise<void> {
  await database().$executeRaw`
    INSERT INTO worker (id, host, pid, version, runtime, started_at, seen_at) VALUES (${id}::uuid, ${host}, ${pid}, ${version}, ${runtime}, now(), now())
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), stopped_at = NULL`;
}

export async function markWorkerStopped(id: string): Promise<void> {
  await database().$executeRaw`UPDATE worker SET stopped_at = now() WHERE id = ${id}::uuid`;
}

export async function deleteWorkersUnseenFor(seconds: number): Promise<void> {
  await database().$executeRaw`DELETE FROM worker WHERE seen_at < now() - ${seconds} * interval '1 second'`;
}

export interface SeenWorker extends Omit<WorkerRow, "pid"> {
  readonly startedAt: Date;
  readonly seenAt: Date;
}

/** Those that did not leave and were seen in the last so many seconds, the oldest first. */
export const workersSeenWithin = (seconds: number): Promise<SeenWorker[]> => database().$queryRaw`
  SELECT id, host, version, runtime, started_at AS "startedAt", seen_at AS "seenAt" FROM worker
  WHERE stopped_at IS NULL AND seen_at >= now() - ${seconds} * interval '1 second' ORDER BY started_at, id`;
