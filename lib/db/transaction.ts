import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";
import type { Database } from "./client.ts";
import { Prisma } from "./generated/client.ts";
import { toSqlFailure } from "./sql-failure.ts";

export type Transaction = Prisma.TransactionClient;

const ATTEMPTS = 8;
const FIRST_PAUSE_MS = 10;

/**
 * Runs `work` in one SERIALIZABLE transaction: all of it or nothing, as if no other ran beside it. When PostgreSQL cannot have
 * that, it is rolled back and run again from the start, so `work` must change nothing but rows.
 */
export async function inTransaction<T>(database: Database, work: (transaction: Transaction) => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await database.$transaction(work, { isolationLevel: "Serializable", maxWait: 5_000, timeout: 30_000 });
    } catch (cause) {
      if (!isConflict(cause)) throw cause;
      if (attempt === ATTEMPTS)
        throw new AppError(
          "internal",
          `The change met other changes ${ATTEMPTS} times in a row; try again in a moment.`,
          { attempts: ATTEMPTS },
          cause,
        );
      await sleep(Math.random() * FIRST_PAUSE_MS * 2 ** attempt); // full jitter: those who met do not meet again
    }
  }
}

/** A serialization failure or a deadlock: the query engine knows it as P2034, a raw statement only by its SQLSTATE. */
function isConflict(cause: unknown): boolean {
  if (cause instanceof Prisma.PrismaClientKnownRequestError && cause.code === "P2034") return true;
  return ["40001", "40P01"].includes(toSqlFailure(cause)?.code ?? "");
}
