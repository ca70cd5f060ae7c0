import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { closeSync, openSync } from "node:fs";
import { mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { fileURLToPath } from "node:url";
import { isMainThread } from "node:worker_threads";
import pg from "pg";
import { withDatabase } from "#lib/db/database-url.ts";
import { env } from "#lib/env.ts";
import { closeQueue, openQueue } from "#lib/queue/boss.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { startPostgres } from "#workers/setup/postgres.ts";

export const migrationsFolder = fileURLToPath(new URL("../../prisma/migrations", import.meta.url));

export interface TempDatabase {
  readonly url: string;
  drop(): Promise<void>;
}

/**
 * A database for one suite: a copy of the migrated template, or an empty one. It lies on DATABASE_URL's server if that is set,
 * else on an embedded PostgreSQL that the first suite of the run starts. Both the server and what a suite forgot to drop go
 * when the run ends, also when it is killed: a keeper process of its own sees to that.
 */
export async function createTempDatabase(kind: "migrated" | "empty" = "migrated"): Promise<TempDatabase> {
  const { server, prefix } = await findServer();
  const name = `${prefix}_${randomUUID().slice(0, 8)}`;
  await ask(server, `CREATE DATABASE ${name} TEMPLATE ${kind === "migrated" ? prefix : "template0"}`);
  return {
    url: withDatabase(server, name),
    drop: async () => void (await ask(server, `DROP DATABASE ${name} WITH (FORCE)`)),
  };
}

interface Server {
  readonly server: string;
  /** The template's name, and the beginning of the names of its copies. */
  readonly prefix: string;
  readonly keeper: number;
}

const run = isMainThread ? process.ppid : process.pid; // vitest runs a suite in a process, or in a thread, of its own
const folder = join(tmpdir(), `guidepost-test-${run}`);

async function findServer(): Promise<Server> {
  for (let waited = 0; waited < 120_000; waited += 50) {
    try {
      await mkdir(folder);
      const log = openSync(join(folder, "keeper.log"), "w");
      spawn(process.execPath, [fileURLToPath(import.meta.url), folder, `${run}`], {
        detached: true,
        stdio: ["ignore", log, log],
      }).unref();
      closeSync(log);
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== "EEXIST") throw cause; // another suite was first
    }
    const found = await readFile(join(folder, "server.json"), "utf8").catch(() => null);
    if (found) {
      const server = JSON.parse(found) as Server;
      if (isAlive(server.keeper)) return server;
      await rm(folder, { recursive: true, force: true }); // left by an older run that had our process id
    }
    await sleep(50);
  }
  throw new Error(`No database server came up: ${await readFile(join(folder, "keeper.log"), "utf8")}`);
}

/** The keeper: starts the server, makes the template, and clears everything away when the run has ended. */
async function keep(place: string, ofRun: number): Promise<void> {
  const own = env().databaseUrl;
  const unsafe = { fsync: "off", full_page_writes: "off", synchronous_commit: "off", max_connections: "200" };
  const embedded = own ? null : await startPostgres({ folder: join(place, "postgres"), settings: unsafe });
  const server = own ?? embedded!.url;
  const prefix = `guidepost_test_${randomUUID().slice(0, 8)}`;
  await ask(server, `CREATE DATABASE ${prefix} TEMPLATE template0`);
  await applyMigrations(withDatabase(server, prefix), migrationsFolder);
  await openQueue("send", withDatabase(server, prefix));
  await closeQueue();
  await writeFile(join(place, "server.new"), JSON.stringify({ server, prefix, keeper: process.pid } satisfies Server));
  await rename(join(place, "server.new"), join(place, "server.json"));

  while (isAlive(ofRun)) await sleep(200);
  if (embedded) await embedded.stop();
  else
    for (const { datname } of await ask<{ datname: string }>(
      server,
      `SELECT datname FROM pg_database WHERE datname LIKE '${prefix}%'`,
    ))
      await ask(server, `DROP DATABASE ${datname} WITH (FORCE)`);
  await rm(place, { recursive: true, force: true });
}

async function ask<Row extends pg.QueryResultRow>(url: string, sql: string): Promise<Row[]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<Row>(sql)).rows;
  } finally {
    await client.end();
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

if (import.meta.main) await keep(process.argv[2]!, Number(process.argv[3]));
