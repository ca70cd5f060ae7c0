import { PrismaPg } from "@prisma/adapter-pg";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { boundedClient } from "./bounded-client.ts";
import { PrismaClient } from "./generated/client.ts";

export type Database = PrismaClient;

// Next may load this module more than once in one process; the pool must not multiply.
const shared = globalThis as { guidepostDatabase?: Database };

/** In milliseconds: how long the server may work on one question, and how long it is waited for at most. */
const patience = { statement: 15_000, answer: 20_000 };

/** For a process whose work has time: one question of its sweeps may take a minute. Before the first of them. */
export const waitForDatabase = (): void => void Object.assign(patience, { statement: 60_000, answer: 70_000 });

/** What all pools of this process have: nobody in it waits without end for a database that is away, or busy. */
export const boundedPool = (url: string) => ({
  connectionString: url,
  Client: boundedClient(url, patience.answer),
  connectionTimeoutMillis: 5_000, // also with all connections taken: fail, do not queue without end
});

/** The database of this process. Connects when it is first asked something. */
export function database(): Database {
  return (shared.guidepostDatabase ??= openDatabase(requireDatabaseUrl()));
}

/**
 * A client of its own, for whoever closes it again with `$disconnect()`. Behind a pooler a connection is somebody else's after each
 * transaction: nothing may be left in it, neither a statement with a name nor a setting, and the pooler itself ends what takes too long.
 */
export function openDatabase(url: string): Database {
  const { connections, databaseDirectUrl } = env();
  const pool = {
    ...boundedPool(url),
    application_name: "guidepost",
    max: connections,
  };
  if (databaseDirectUrl !== null) return new PrismaClient({ adapter: new PrismaPg(pool) });
  const limits = {
    statement_timeout: patience.statement,
    idle_in_transaction_session_timeout: 60_000,
  };
  return new PrismaClient({
    adapter: new PrismaPg({ ...pool, ...limits }, { statementNameGenerator: nameStatements() }),
  });
}

const MAX_NAMED = 500; // of some ten KiB each, in every connection

/**
 * Names the first texts that come, so that PostgreSQL reads and plans each once a connection: on short questions that is most of
 * its work. Not those that may be several statements.
 */
function nameStatements(): (query: { readonly sql: string }) => string {
  const names = new Map<string, string>();
  return ({ sql }) => {
    if (!names.has(sql) && names.size < MAX_NAMED && !sql.includes(";")) names.set(sql, `guidepost_${names.size}`);
    return names.get(sql) ?? "";
  };
}

/** @throws internal, where no database is set */
export function requireDatabaseUrl(): string {
  const { databaseUrl } = env();
  if (databaseUrl) return databaseUrl;
  throw new AppError("internal", "DATABASE_URL is not set; start with npm start, which runs a PostgreSQL and sets it.");
}

/** Of the database itself, past a pooler: for what a connection must keep, which is listening and the locks of a session. */
export const requireDirectUrl = (): string => env().databaseDirectUrl ?? requireDatabaseUrl();
