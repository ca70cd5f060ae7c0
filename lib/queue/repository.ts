import { database } from "#lib/db/client.ts";

/** Workers, as they say of themselves that they are there. */

export interface WorkerRow {
  readonly id: string;
  readonly host: string;
  readonly pid: number;
  readonly version: string;
  readonly runtime: string;
  readonly provider: string;
  /** Bytes that its networks may take together; null where nothing limits them. */
  readonly memory: number | null;
  /** For jobs that run networks. */
  readonly places: number;
}

/** What a worker has open, and how many of its places for networks nothing is done in. */
export interface WorkerLoad {
  readonly models: readonly string[];
  readonly free: number;
}

/** Says that a worker is there, by the database's clock: those of machines differ. It is made again if somebody removed it meanwhile. */
export async function upsertWorker(
  { id, host, pid, version, runtime, provider, memory, places }: WorkerRow,
  { models, free }: WorkerLoad,
): Promise<void> {
  await database().$executeRaw`
    INSERT INTO worker (id, host, pid, version, runtime, provider, memory, places, models, free, started_at, seen_at)
    VALUES (${id}::uuid, ${host}, ${pid}, ${version}, ${runtime}, ${provider}, ${memory}, ${places}, ${[...models]}, ${free}, now(), now())
    ON CONFLICT (id) DO UPDATE SET seen_at = now(), stopped_at = NULL, models = EXCLUDED.models, free = EXCLUDED.free`;
}

export async function markWorkerStopped(id: string): Promise<void> {
  await database().$executeRaw`UPDATE worker SET stopped_at = now() WHERE id = ${id}::uuid`;
}

export async function deleteWorkersUnseenFor(seconds: number): Promise<void> {
  await database().$executeRaw`DELETE FROM worker WHERE seen_at < now() - ${seconds} * interval '1 second'`;
}

export interface SeenWorker extends Omit<WorkerRow, "pid">, WorkerLoad {
  readonly startedAt: Date;
  readonly seenAt: Date;
}

/** Those that did not leave and were seen in the last so many seconds, the oldest first. */
export const workersSeenWithin = async (seconds: number): Promise<SeenWorker[]> => {
  const rows = await database().$queryRaw<(Omit<SeenWorker, "memory"> & { memory: bigint | null })[]>`
    SELECT id, host, version, runtime, provider, memory, places, models, free, started_at AS "startedAt", seen_at AS "seenAt" FROM worker
    WHERE stopped_at IS NULL AND seen_at >= now() - ${seconds} * interval '1 second' ORDER BY started_at, id`;
  return rows.map(({ memory, ...row }) => ({ ...row, memory: memory === null ? null : Number(memory) }));
};
