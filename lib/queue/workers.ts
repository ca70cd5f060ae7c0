import {
  deleteWorkersUnseenFor,
  markWorkerStopped,
  type SeenWorker,
  upsertWorker,
  type WorkerLoad,
  type WorkerRow,
  workersSeenWithin,
} from "./repository.ts";

/** A worker says that it is there every so many milliseconds. */
export const SEEN_EVERY = 3000;

/** In seconds: one that has not said so for this long is not there, or is forgotten. */
const GONE_AFTER = 15;
const FORGOTTEN_AFTER = 86_400;

/** The workers that are there now, the oldest first. */
export const liveWorkers = (): Promise<SeenWorker[]> => workersSeenWithin(GONE_AFTER);

const idle: WorkerLoad = { models: [], free: 0 };

export async function registerWorker(worker: WorkerRow): Promise<void> {
  await deleteWorkersUnseenFor(FORGOTTEN_AFTER);
  await upsertWorker(worker, idle);
}

export const workerSeen = (worker: WorkerRow, load: WorkerLoad): Promise<void> => upsertWorker(worker, load);

export const workerStopped = (id: string): Promise<void> => markWorkerStopped(id);
