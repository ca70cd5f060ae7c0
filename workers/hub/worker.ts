import { randomUUID } from "node:crypto";
import { hostname } from "node:os";
import { measuringProvider, measuringRuntime } from "#lib/catalog/pairs/schema.ts";
import { keepCounts } from "#lib/catalog/repos/keep-counts.ts";
import { database } from "#lib/db/client.ts";
import { env } from "#lib/env.ts";
import { toAppError } from "#lib/http/failure.ts";
import { log } from "#lib/log.ts";
import { closeQueue, HEARTBEAT_REFRESH_SECONDS, openQueue } from "#lib/queue/boss.ts";
import { deadlines as usualDeadlines } from "#lib/queue/jobs.ts";
import { returnLost } from "#lib/queue/lost.ts";
import { placesOfWorker } from "#lib/queue/places.ts";
import { removeOldEvents } from "#lib/queue/timeline.ts";
import { failHopeless } from "#lib/queue/room.ts";
import { registerWorker, SEEN_EVERY, workerSeen, workerStopped } from "#lib/queue/workers.ts";
import { usualMemoryBudget } from "#lib/util/machine-memory.ts";
import { version } from "#lib/version.ts";
import { createBudget } from "./budget.ts";
import { createModels } from "./models.ts";
import { type OpenPlace, openPlace } from "./place.ts";
import { createRunner, type Handlers, type RunnerParts } from "./runner.ts";

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

/** How often it is looked for jobs of workers that are gone, in milliseconds. */
const LOST_EVERY = 1000;

/** How often the counts of repos follow what has changed, in milliseconds. */
const COUNTS_EVERY = 5000;

/** A worker of this hub. Any number of them may run, on any machines: they know of each other only through the database. */
export async function startWorker({ handlers, sweep, deadlines = usualDeadlines }: WorkerParts): Promise<Worker> {
  const { places: count, memory: asked, provider, workerBytes } = env();
  // Of what a graphics card has, nothing is known.
  const memory = provider === "auto" || provider === "cpu" ? Math.floor(asked ?? usualMemoryBudget()) : null;
  const row = {
    id: randomUUID(),
    host: hostname(),
    pid: process.pid,
    version,
    runtime: measuringRuntime(),
    provider: measuringProvider(),
    memory,
    places: count,
  };
  await openQueue("work");
  await registerWorker(row);
  const budget = createBudget(memory);
  const models = createModels(workerBytes, memory);
  const runner = createRunner({ handlers, models, host: row.host, deadlines });

  const places: OpenPlace[] = [];
  const open = (): string[] => models.loaded().flatMap(({ key }) => key ?? []);
  for (const kind of placesOfWorker(count))
    places.push(openPlace({ kind, workerId: row.id, budget, models: open, runner, places }));

  const free = (): number => places.filter(({ kind, isFree }) => kind.resource === "compute" && isFree).length;
  const seen = every(SEEN_EVERY, "worker.seen", () => workerSeen(row, { models: open(), free: free() }));
  const kept = every(HEARTBEAT_REFRESH_SECONDS * 1000, "worker.heartbeat", () => runner.keep());
  const lost = every(LOST_EVERY, "worker.lost", async () => {
    await returnLost();
    await failHopeless();
  });
  const stopping = new AbortController();
  const counted = every(COUNTS_EVERY, "worker.counts", () => keepCounts(stopping.signal));
  const swept = every(SWEEP_EVERY, "worker.sweep", async () => {
    await sweep();
    await removeOldEvents();
  });
  log().info({ event: "worker.ready", worker: row.id, host: row.host, bytes: memory, places: count });

  return {
    async stop() {
      log().info({ event: "worker.stopping", worker: row.id });
      clearInterval(swept);
      clearInterval(counted);
      stopping.abort();
      clearInterval(lost);
      for (const place of places) place.close();
      await runner.stop(GRACE);
      clearInterval(kept);
      clearInterval(seen);
      models.close();
      await workerStopped(row.id).catch(() => {}); // it is not seen any more, which says the same
      await closeQueue();
      await database().$disconnect();
    },
  };
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
