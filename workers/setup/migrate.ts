import { createHash, randomUUID } from "node:crypto";
import { readdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { AppError } from "#lib/errors.ts";

interface Migration {
  readonly name: string;
  readonly sql: string;
  readonly checksum: string;
}

interface AppliedRow {
  readonly migration_name: string;
  readonly checksum: string;
  readonly finished_at: Date | null;
}

const PRISMA_LOCK = 72707369; // the advisory lock that `prisma migrate` takes
const OLDEST_SERVER = 150000; // 15.0, the oldest that the tests have run on

/**
 * Brings the database to the newest migration of `folder` and returns the names of those it applied, in order. Keeps the same
 * book as `prisma migrate deploy`, the table _prisma_migrations. Each migration is one transaction with its line in the book:
 * killed in the middle, it leaves nothing; failed, it leaves a line that tells why and is tried again at the next start. Any
 * number of processes may call this at once.
 *
 * Refuses a database that a newer Guidepost has migrated, and a migration that was edited after it was applied.
 */
export async function applyMigrations(url: string, folder: string): Promise<string[]> {
  const migrations = await readMigrations(folder);
  const client = new pg.Client({ connectionString: url, application_name: "guidepost migrations" });
  await client.connect().catch((cause: Error) => {
    throw new AppError("internal", `The database cannot be reached (${cause.message}); check DATABASE_URL.`, {}, cause);
  });
  try {
    await client.query("SELECT pg_advisory_lock($1)", [PRISMA_LOCK]); // let go when the connection ends
    await requireServer(client);
    await client.query(book);
    const { rows } = await client.query<AppliedRow>(
      "SELECT migration_name, checksum, finished_at FROM _prisma_migrations WHERE rolled_back_at IS NULL",
    );
    const applied = new Map(rows.filter((row) => row.finished_at).map((row) => [row.migration_name, row.checksum]));
    requireSameHistory(migrations, applied);
    const missing = migrations.filter(({ name }) => !applied.has(name));
    for (const migration of missing) await apply(client, migration);
    return missing.map(({ name }) => name);
  } finally {
    await client.end();
  }
}

const book = `CREATE TABLE IF NOT EXISTS _prisma_migrations (
  id varchar(36) PRIMARY KEY NOT NULL, checksum varchar(64) NOT NULL, finished_at timestamptz, migration_name varchar(255) NOT NULL,
  logs text, rolled_back_at timestamptz, started_at timestamptz NOT NULL DEFAULT now(), applied_steps_count integer NOT NULL DEFAULT 0)`;

async function readMigrations(folder: string): Promise<Migration[]> {
  const entries = await readdir(folder, { withFileTypes: true });
  const names = entries
    .filter((entry) => entry.isDirectory())
    .map((entry) => entry.name)
    .toSorted();
  return Promise.all(
    names.map(async (name) => {
      const sql = (await readFile(join(folder, name, "migration.sql"), "utf8")).replaceAll("\r\n", "\n"); // a checkout on Windows
      return { name, sql, checksum: createHash("sha256").update(sql).digest("hex") };
    }),
  );
}

async function requireServer(client: pg.Client): Promise<void> {
  const { rows } = await client.query<{ number: number; version: string }>(
    "SELECT current_setting('server_version_num')::int AS number, current_setting('server_version') AS version",
  );
  const { number, version } = rows[0]!;
  if (number < OLDEST_SERVER)
    throw new AppError("internal", `The database is PostgreSQL ${version}; Guidepost needs 15 or later.`, { number });
}

function requireSameHistory(migrations: readonly Migration[], applied: ReadonlyMap<string, string>): void {
  const known = new Map(migrations.map(({ name, checksum }) => [name, checksum]));
  for (const [name, checksum] of applied) {
    const ours = known.get(name);
    if (ours === undefined)
      throw new AppError(
        "internal",
        `The database has the migration ${name}, which this Guidepost does not know; start the newer version that made it.`,
        { name },
      );
    if (ours !== checksum)
      throw new AppError(
        "internal",
        `The migration ${name} was edited after it was applied; restore the file and put the change into a new migration.`,
        { name },
      );
  }
}

async function apply(client: pg.Client, { name, sql, checksum }: Migration): Promise<void> {
  await client.query(
    "UPDATE _prisma_migrations SET rolled_back_at = now() WHERE migration_name = $1 AND finished_at IS NULL AND rolled_back_at IS NULL",
    [name],
  );
  const id = randomUUID();
  try {
    await client.query("BEGIN");
    await client.query(sql);
    await client.query(
      "INSERT INTO _prisma_migrations (id, checksum, migration_name, finished_at, applied_steps_count) VALUES ($1, $2, $3, clock_timestamp(), 1)",
      [id, checksum, name],
    );
    await client.query("COMMIT");
  } catch (cause) {
    const { message } = cause as Error;
    const tell = async (): Promise<void> => {
      await client.query("ROLLBACK");
      await client.query(
        "INSERT INTO _prisma_migrations (id, checksum, migration_name, logs) VALUES ($1, $2, $3, $4)",
        [id, checksum, name, message],
      );
    };
    await tell().catch(() => {}); // a lost connection has rolled back by itself
    throw new AppError(
      "internal",
      `The migration ${name} failed (${message}); nothing of it was kept, and the next start tries it again.`,
      { name },
      cause,
    );
  }
}
