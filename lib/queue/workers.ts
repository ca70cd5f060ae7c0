import { deleteWorkersSeenBefore, markWorkerStopped, upsertWorker, type WorkerRow, workersSeenSince } from "./repository.ts";

/** A worker says that it is there every so many milliseconds. */
export const SEEN_EVERY = 3000;

/** One that has not said so for this long is not there. */
const GONE_AFTER = 15_000;
const FORGOTTEN_AFTER = 86_400_000;

export interface LiveWorker {
  readonly id: string;
  readonly host: string;
  readonly version: string;
  /** Provider and data type, like cpu-f32. */
  readonly runtime: string;
  readonly startedAt: Date;
  readonly seenAt: Date;
}

/** The workers that are there now, the oldest first. */
export const liveWorkers = (): Promise<LiveWorker[]> => workersSeenSince(new Date(Date.now() - GONE_AFTER));

export async function registerWorker(worker: WorkerRow): Promise<void> {
  await deleteWorkersSeenBefore(new Date(Date.now() - FORGOTTEN_AFTER));
  await upsertWorker(worker);
}

export const workerSeen = (worker: WorkerRow): Promise<void> => upsertWorker(worker);

export const workerStopped = (id: string): Promise<void> => markWorkerStopped(id);
