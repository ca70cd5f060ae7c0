import { execFile } from "node:child_process";
import { promisify } from "node:util";
import { ColumnTypeEnum } from "@prisma/driver-adapter-utils";
import pg from "pg";
import { afterAll, describe, expect, test } from "vitest";
import { withDatabase } from "#lib/db/database-url.ts";
import { toVariables } from "#lib/env.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { migrationAdapter } from "#workers/setup/schema-engine-adapter.ts";
import { createTempDatabase, migrationsFolder, type TempDatabase } from "../../support/temp-database.ts";

const temps: TempDatabase[] = [];
afterAll(() => Promise.all(temps.map((temp) => temp.drop())));

async function newDatabase(kind: "migrated" | "empty"): Promise<string> {
  const temp = await createTempDatabase(kind);
  temps.push(temp);
  return temp.url;
}

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

interface Said {
  readonly code: number;
  readonly text: string;
}

/** Prisma's own command line, with the engine that prisma.config.ts names. */
async function prisma(url: string, ...words: string[]): Promise<Said> {
  const run = promisify(execFile)(process.execPath, ["node_modules/prisma/build/index.js", ...words], {
    env: toVariables({ DATABASE_URL: url, NO_COLOR: "1" }),
  });
  return run.then(
    ({ stdout, stderr }) => ({ code: 0, text: stdout + stderr }),
    (cause: { code: number; stdout: string; stderr: string }) => ({
      code: cause.code,
      text: cause.stdout + cause.stderr,
    }),
  );
}

describe("Prisma's command line, offline", () => {
  test.concurrent("finds a database that our runner migrated in sync, until a column is lost", async () => {
    const url = await newDatabase("migrated");
    const diff = ["migrate", "diff", "--from-config-datasource", "--to-schema", "prisma", "--exit-code"];
    expect(await prisma(url, ...diff)).toMatchObject({
      code: 0,
      text: expect.stringContaining("No difference detected."),
    });
    await ask(url, "ALTER TABLE repo DROP COLUMN license CASCADE");
    expect(await prisma(url, ...diff)).toMatchObject({
      code: 2,
      text: expect.stringContaining("Added column `license`"),
    });
  });

  test.concurrent("finds the migrations in sync with the schema, and leaves no shadow database", async () => {
    const url = await newDatabase("empty");
    expect(
      await prisma(
        url,
        "migrate",
        "diff",
        "--from-migrations",
        "prisma/migrations",
        "--to-schema",
        "prisma",
        "--exit-code",
      ),
    ).toMatchObject({ code: 0, text: expect.stringContaining("No difference detected.") });
    expect(await ask(url, "SELECT datname FROM pg_database WHERE datname LIKE 'prisma_migrate_shadow_db_%'")).toEqual(
      [],
    );
  });

  test.concurrent("deploys what our runner would, and keeps the same book", async () => {
    const ours = await newDatabase("migrated");
    const theirs = withDatabase(ours, `${new URL(ours).pathname.slice(1)}_prisma`);
    expect(await prisma(theirs, "migrate", "deploy")).toMatchObject({
      code: 0,
      text: expect.stringContaining("All migrations have been successfully applied."),
    }); // makes the database too
    expect(await applyMigrations(theirs, migrationsFolder)).toEqual([]);
    for (const question of [
      "SELECT migration_name, checksum, applied_steps_count, logs FROM _prisma_migrations ORDER BY 1",
      "SELECT tgrelid::regclass::text, tgname, tgenabled FROM pg_trigger WHERE NOT tgisinternal ORDER BY 1, 2",
      "SELECT proname, prosrc FROM pg_proc WHERE pronamespace = 'public'::regnamespace ORDER BY 1",
      "SELECT conname, pg_get_constraintdef(oid) FROM pg_constraint WHERE connamespace = 'public'::regnamespace ORDER BY 1",
      "SELECT indexdef FROM pg_indexes WHERE schemaname = 'public' ORDER BY 1",
    ])
      expect(await ask(theirs, question)).toEqual(await ask(ours, question));
    await ask(ours, `DROP DATABASE ${new URL(theirs).pathname.slice(1)}`);
  });

  test.concurrent("says when a password is wrong", async () => {
    const url = new URL(await newDatabase("empty"));
    url.password = "wrong";
    expect(await prisma(url.href, "migrate", "deploy")).toMatchObject({
      code: 1,
      text: expect.stringContaining("P1000"),
    });
  });
});

test("a script runs whole or not at all, semicolons in functions and strings included", async () => {
  const url = await newDatabase("empty");
  const adapter = await migrationAdapter(url).connect();
  await adapter.executeScript(
    "CREATE FUNCTION f() RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM 1; RETURN 2; END $$; CREATE TABLE t (x text DEFAULT 'a;b') -- c;",
  );
  expect(await ask(url, "SELECT f()")).toEqual([[2]]);
  await expect(
    adapter.executeScript("CREATE TABLE u (x int); SELECT 1 / 0; CREATE TABLE v (x int)"),
  ).rejects.toMatchObject({ cause: { originalCode: "22012" } });
  expect(await ask(url, "SELECT relname FROM pg_class WHERE relname IN ('t', 'u', 'v')")).toEqual([["t"]]);
  await adapter.dispose();
});

test("the catalogues' own type of one letter is a letter", async () => {
  const adapter = await migrationAdapter(await newDatabase("empty")).connect();
  const result = await adapter.queryRaw({
    sql: "SELECT 'c'::\"char\" AS kind, 1::int4 AS one, 'x'::text AS word",
    args: [],
    argTypes: [],
  });
  expect(result).toMatchObject({
    columnTypes: [ColumnTypeEnum.Character, ColumnTypeEnum.Int32, ColumnTypeEnum.Text],
    rows: [["c", 1, "x"]],
  });
  await adapter.dispose();
});

test("a shadow database is another one, and goes when it is done with", async () => {
  const url = await newDatabase("migrated");
  const shadow = await migrationAdapter(url).connectToShadowDb();
  const name = (await shadow.queryRaw({ sql: "SELECT current_database()::text", args: [], argTypes: [] }))
    .rows[0]![0] as string;
  expect(name).toMatch(/^prisma_migrate_shadow_db_/);
  await shadow.executeScript("CREATE TABLE repo (x int)"); // the main one has such a table
  await shadow.dispose();
  expect(await ask(url, `SELECT FROM pg_database WHERE datname = '${name}'`)).toEqual([]);
});
