import { PgBoss, type QueueOptions } from "pg-boss";
import { requireDirectUrl } from "#lib/db/client.ts";
import { log } from "#lib/log.ts";
import { deadlines, MAX_LOSSES, queueNames, queues } from "./jobs.ts";

/** Where a job goes when it was lost once too often: a worker then writes into its row why. */
export const LOST_QUEUE = "lost";

/** A job whose worker has not said for so long that it is alive is given to another: the least that pg-boss takes. */
export const HEARTBEAT_SECONDS = 10;

/** How often a worker says so. Two may be missed. */
export const HEARTBEAT_REFRESH_SECONDS = 3;

const YEAR = 365 * 86_400;

// Next may load this module more than once in one process; its queue must be one.
const shared = globalThis as { guidepostQueue?: Promise<PgBoss> | undefined };

/** The queue of this process. It only sends, unless the process began with `openQueue("work")`. @throws while the database is away */
export const queue = (): Promise<PgBoss> => shared.guidepostQueue ?? openQueue("send");

/**
 * Opens the queue of this process; makes its schema `pgboss` and its queues where they are missing, also when many processes do so at
 * once. Who works also looks after it: a lost heartbeat is seen within two seconds by whichever worker looks first.
 *
 * Past a pooler: who works listens, and who sends counts what waits while it holds a transaction. Were both connections of one pool, as
 * many transactions as it has would wait for each other.
 */
export function openQueue(role: "send" | "work", url = requireDirectUrl()): Promise<PgBoss> {
  const opening = start(role, url);
  shared.guidepostQueue = opening;
  opening.catch(() => {
    if (shared.guidepostQueue === opening) shared.guidepostQueue = undefined; // the next who asks tries again
  });
  return opening;
}

export async function closeQueue(): Promise<void> {
  const open = shared.guidepostQueue;
  shared.guidepostQueue = undefined;
  await open?.then(
    (boss) => boss.stop({ graceful: false }),
    () => {},
  );
}

/** Asks pg-boss's own tables something, outside of any transaction. */
export async function askQueue<Row>(sql: string, values: readonly unknown[]): Promise<Row[]> {
  const { rows } = await (await queue()).getDb().executeSql(sql, [...values]);
  return rows as Row[];
}

/** How many jobs a command of pg-boss changed: its types leave this out. */
export const affectedBy = (response: object): number => (response as { affected: number }).affected;

async function start(role: "send" | "work", url: string): Promise<PgBoss> {
  const works = role === "work";
  const boss = new PgBoss({
    connectionString: url,
    application_name: "guidepost-queue",
    max: works ? 6 : 2,
    connectionTimeoutMillis: 5_000,
    supervise: works,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    useListenNotify: works,
    notifyHeartbeatIntervalMs: 5_000,
    schedule: false,
    registerInstance: false, // our table `worker` says who is there
    openTelemetry: { enabled: false },
  });
  // Without a listener, a database that goes away would end the process. pg-boss goes on by itself when it is back.
  boss.on("error", (failure) => log().warn({ event: "queue.error", err: failure }, failure.message));
  boss.on("warning", ({ message, data }) => log().warn({ event: "queue.warning", data }, message));
  try {
    await boss.start({ attempts: 3 });
    await boss.createQueue(LOST_QUEUE, lostOptions);
    for (const name of queueNames) {
      const options = {
        ...common,
        deadLetter: LOST_QUEUE,
        expireInSeconds: Math.max(...queues[name].map((kind) => deadlines[kind])) + 120,
      };
      await boss.createQueue(name, options);
      if (works) await boss.updateQueue(name, options); // an older version may have made it
    }
  } catch (cause) {
    await boss.stop({ graceful: false });
    throw cause;
  }
  return boss;
}

const common = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  retryLimit: MAX_LOSSES,
  retryDelay: 0,
  retentionSeconds: YEAR, // a hub without a worker forgets nothing
  notify: true,
} satisfies QueueOptions & { notify: boolean };

/** What is left to do there is one small write, which must happen: it is tried until the database takes it. */
const lostOptions = {
  ...common,
  retryLimit: 1000,
  retryBackoff: true,
  retryDelay: 1,
  retryDelayMax: 60,
  expireInSeconds: 60,
};
