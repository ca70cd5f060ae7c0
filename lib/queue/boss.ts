import { PgBoss, type QueueOptions } from "pg-boss";
import { boundedPool, requireDirectUrl } from "#lib/db/client.ts";
import { log } from "#lib/log.ts";
import { LONGEST_LEASE_SECONDS, MAX_LOSSES, resources } from "./jobs.ts";

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

/**
 * Asks something outside of any transaction, over connections that no transaction holds: who asks within one never waits for another of
 * the same kind to end.
 */
export async function askQueue<Row>(sql: string, values: readonly unknown[]): Promise<Row[]> {
  const { rows } = await (await queue()).getDb().executeSql(sql, [...values]);
  return rows as Row[];
}

/** How many jobs a command of pg-boss changed: its types leave this out. */
export const affectedBy = (response: object): number => (response as { affected: number }).affected;

async function start(role: "send" | "work", url: string): Promise<PgBoss> {
  const works = role === "work";
  const boss = new PgBoss({
    ...boundedPool(url),
    application_name: "guidepost-queue",
    max: 2,
    supervise: works,
    superviseIntervalSeconds: 1,
    monitorIntervalSeconds: 1,
    schedule: false,
    registerInstance: false, // our table `worker` says who is there
    openTelemetry: { enabled: false },
  });
  // Without a listener, a database that goes away would end the process. pg-boss goes on by itself when it is back.
  boss.on("error", (failure) => log().warn({ event: "queue.error", err: failure }, failure.message));
  boss.on("warning", ({ message, data }) => log().warn({ event: "queue.warning", data }, message));
  try {
    await boss.start({ attempts: 3 });
    for (const name of resources) {
      await boss.createQueue(name, options);
      if (works) await boss.updateQueue(name, options); // an older version may have made it
    }
  } catch (cause) {
    await boss.stop({ graceful: false });
    throw cause;
  }
  return boss;
}

const options = {
  heartbeatSeconds: HEARTBEAT_SECONDS,
  expireInSeconds: LONGEST_LEASE_SECONDS,
  retryLimit: MAX_LOSSES,
  retryDelay: 0,
  retentionSeconds: YEAR, // a hub without a worker forgets nothing
} satisfies QueueOptions;
