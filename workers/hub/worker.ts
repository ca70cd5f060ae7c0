import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import type { PgBoss } from "pg-boss";
import { measuringRuntime } from "#lib/catalog/pairs/schema.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { toAppError } from "#lib/http/failure.ts";
import { log } from "#lib/log.ts";
import { closeQueue, HEARTBEAT_REFRESH_SECONDS, LOST_QUEUE, openQueue } from "#lib/queue/boss.ts";
import { deadlines as usualDeadlines, type JobPayload, places, priorities, queueNames } from "#lib/queue/jobs.ts";
import type { HeldJob } from "#lib/queue/return-job.ts";
import { removeOldEvents } from "#lib/queue/timeline.ts";
import { registerWorker, SEEN_EVERY, workerSeen, workerStopped } from "#lib/queue/workers.ts";
import { version } from "#lib/version.ts";
import { createModels } from "./models.ts";
import { createRunner, type Handlers, type Outcome, type RunnerParts } from "./runner.ts";

export interface WorkerParts {
  readonly handlers: Handlers;
  /** Done every minute, by every worker. */
  readonly sweep: () => Promise<unknown>;
  readonly deadlines?: RunnerParts["deadlines"];
}

export interface Worker {
  /** Takes nothing more, lets what runs finish for three seconds, gives the rest back, and leaves. */
  stop(): Promise<void>;
}

const GRACE = 3000; // a preview of a small model is done by then; a measurement is handed back
const SWEEP_EVERY = 60_000;

/** A worker of this hub. Any number of them may run, on any machines: they know of each other only through the database. */
export async function startWorker({ handlers, sweep, deadlines = usualDeadlines }: WorkerParts): Promise<Worker> {
  const row = { id: randomUUID(), host: hostname(), pid: process.pid, version, runtime: measuringRuntime() };
  const queue = await openQueue("work");
  await registerWorker(row);
  const models = createModels();
  const runner = createRunner({ queue, handlers, models, host: row.host, deadlines });

  for (const name of queueNames) {
    for (const least of places[name]) await openPlace(queue, name, { minPriority: priorities[least] }, runner.take);
  }
  await openPlace(queue, LOST_QUEUE, {}, runner.bury);

  const seen = every(SEEN_EVERY, "worker.seen", () => workerSeen(row));
  const swept = every(SWEEP_EVERY, "worker.sweep", async () => {
    await sweep();
    await removeOldEvents();
  });
  log().info({ event: "worker.ready", worker: row.id, host: row.host, bytes: env().workerBytes });

  return {
    async stop() {
      log().info({ event: "worker.stopping", worker: row.id });
      clearInterval(swept);
      for (const name of [...queueNames, LOST_QUEUE]) await queue.offWork(name, { wait: false });
      await runner.stop(GRACE);
      clearInterval(seen);
      models.close();
      await workerStopped(row.id).catch(() => {}); // it is not seen any more, which says the same
      await closeQueue();
      await database().$disconnect();
    },
  };
}

/** One place of a worker: a loop that takes the first job, does it, and asks for the next at once. */
async function openPlace(
  queue: PgBoss,
  name: string,
  which: { readonly minPriority?: number },
  take: (job: HeldJob) => Promise<Outcome>,
): Promise<void> {
  // A notice wakes the place; the slow poll finds what was missed, the quick one stands in while the listening connection is away.
  const options = {
    ...which,
    includeMetadata: true as const,
    pollingIntervalSeconds: 0.5,
    notifyPollingIntervalSeconds: 2,
    heartbeatRefreshSeconds: HEARTBEAT_REFRESH_SECONDS,
  };
  const id: string = await queue.work<JobPayload, Outcome, typeof options>(name, options, async ([job]) => {
    try {
      return await take(job!);
    } finally {
      queue.notifyWorker(id); // else it would wait for the next notice
    }
  });
}

/** Repeats `work`, never twice at once; a failure is logged, and the next turn comes. */
function every(milliseconds: number, event: string, work: () => Promise<unknown>): NodeJS.Timeout {
  let busy = false;
  return setInterval(() => {
    if (busy) return;
    busy = true;
    work()
      .catch((cause: unknown) => log().warn({ event, err: cause }, (cause as Error).message))
      .finally(() => (busy = false));
  }, milliseconds);
}

/** The whole life of a worker process: until it is asked to leave, or whoever started it is gone. */
export async function runWorker(parts: WorkerParts): Promise<void> {
  process.on("disconnect", () => process.exit(0)); // its jobs are given to others in a few seconds
  process.on("uncaughtException", (cause) => {
    log().fatal({ event: "worker.crashed", err: cause }, cause.message);
    process.exit(1);
  });
  let worker: Worker | undefined;
  let asked = false;
  const leave = async (): Promise<never> => {
    if (asked || !worker) process.exit(asked ? 1 : 0); // a second time: at once
    asked = true;
    await worker.stop();
    process.exit(0);
  };
  for (const signal of ["SIGTERM", "SIGINT"] as const) process.on(signal, () => void leave());
  try {
    worker = await startWorker(parts);
  } catch (cause) {
    const failure = toAppError(cause);
    process.stderr.write(
      `${failure.code === "internal" ? ((cause as Error).stack ?? failure.message) : failure.toOperator}\n`,
    );
    process.exit(1);
  }
  process.send?.({ type: "ready" });
}
