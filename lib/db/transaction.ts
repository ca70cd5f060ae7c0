import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";
import type { Database } from "./client.ts";
import { Prisma } from "./generated/client.ts";
import { toSqlFailure } from "./sql-failure.ts";

export type Transaction = Prisma.TransactionClient;

/** So long it is tried again, and then the person is told to. A request waits no longer, and a worker comes back anyway. */
const PATIENCE_MS = 10_000;
const FIRST_PAUSE_MS = 10;
const MAX_PAUSE_MS = 500;
const RETRY_AFTER = 2;

/**
 * Runs `work` in one SERIALIZABLE transaction: all of it or nothing, as if no other ran beside it. When PostgreSQL cannot have
 * that, it is rolled back and run again from the start, so `work` must change nothing but rows, and be safe to repeat.
 *
 * For rules over rows that nobody can lock, such as “an organisation keeps an owner”, on tables that are seldom written: PostgreSQL
 * watches whole pages, and whole small tables, so that those who write to other rows of them meet too. What many do at once takes
 * {@link inLockedTransaction}.
 *
 * @throws busy, when it met others again and again
 */
export const inTransaction = <T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> =>
  untilNoConflict(() => database.$transaction(work, { ...limits, isolationLevel: "Serializable" }), patienceMs);

/**
 * Runs `work` in one READ COMMITTED transaction: all of it or nothing, but what it has read may change before it writes. So its first
 * statement locks the row that it is about, or each of its writes names the state that it goes out from. Who works on other rows never
 * meets it; a deadlock begins it again, so `work` must change nothing but rows, and be safe to repeat.
 *
 * @throws busy, when it met others again and again
 */
export const inLockedTransaction = <T>(
  database: Database,
  work: (transaction: Transaction) => Promise<T>,
  patienceMs = PATIENCE_MS,
): Promise<T> =>
  untilNoConflict(() => database.$transaction(work, { ...limits, isolationLevel: "ReadCommitted" }), patienceMs);

/** To begin: longer than a free connection and its first word are waited for, so that what is told is why there was none. */
const limits = { maxWait: 20_000, timeout: 30_000 } as const;

async function untilNoConflict<T>(run: () => Promise<T>, patienceMs: number): Promise<T> {
  const began = performance.now();
  for (let attempt = 1; ; attempt++) {
    try {
      return await run();
    } catch (cause) {
      if (!isConflict(cause)) throw cause;
      if (performance.now() - began > patienceMs) throw metOthers(cause, attempt);
      await sleep(Math.random() * Math.min(MAX_PAUSE_MS, FIRST_PAUSE_MS * 2 ** attempt)); // full jitter: those who met do not meet again
    }
  }
}

/** For whoever asked for a change that others came in the way of. */
export const metOthers = (cause: unknown, attempts = 1): AppError =>
  new AppError(
    "busy",
    "The hub is changing the same things for others at this moment; nothing was changed, try again in a few seconds.",
    { attempts, retryAfter: RETRY_AFTER },
    cause,
  );

/** A serialization failure or a deadlock: the query engine knows it as P2034, a raw statement only by its SQLSTATE. */
export function isConflict(cause: unknown): boolean {
  if (cause instanceof Prisma.PrismaClientKnownRequestError && cause.code === "P2034") return true;
  return ["40001", "40P01"].includes(toSqlFailure(cause)?.code ?? "");
}
