import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, afterEach, beforeEach, expect, test } from "vitest";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { createTempDatabase, migrationsFolder, type TempDatabase } from "../../support/temp-database.ts";

const all = readdirSync(migrationsFolder, { withFileTypes: true })
  .filter((entry) => entry.isDirectory())
  .map(({ name }) => name)
  .toSorted();
const folders: string[] = [];
let temp: TempDatabase;
let client: pg.Client;

beforeEach(async () => {
  temp = await createTempDatabase("empty");
  client = new pg.Client({ connectionString: temp.url });
  await client.connect();
});

afterEach(async () => {
  await client.end();
  await temp.drop();
});

afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

/** A folder of migrations of their own: name → SQL. */
function migrations(scripts: Readonly<Record<string, string>>): string {
  const folder = mkdtempSync(join(tmpdir(), "guidepost-migrations-"));
  folders.push(folder);
  writeFileSync(join(folder, "migration_lock.toml"), 'provider = "postgresql"\n');
  for (const [name, sql] of Object.entries(scripts)) {
    mkdirSync(join(folder, name));
    writeFileSync(join(folder, name, "migration.sql"), sql);
  }
  return folder;
}

async function ask(sql: string): Promise<unknown[][]> {
  return (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;
}

const tables =
  "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND relname <> '_prisma_migrations' ORDER BY 1";
const book =
  "SELECT migration_name, finished_at IS NOT NULL, rolled_back_at IS NOT NULL, logs FROM _prisma_migrations ORDER BY started_at, finished_at NULLS FIRST";

test("an empty database becomes the newest, and stays as it is from then on", async () => {
  expect(await applyMigrations(temp.url, migrationsFolder)).toEqual(all);
  expect(await applyMigrations(temp.url, migrationsFolder)).toEqual([]);
  expect(await ask(book)).toEqual(all.map((name) => [name, true, false, null]));
});

test("of many at once each migration is applied by one", async () => {
  const applied = await Promise.all(Array.from({ length: 8 }, () => applyMigrations(temp.url, migrationsFolder)));
  expect(applied.flat()).toEqual(all);
  expect(await ask(book)).toEqual(all.map((name) => [name, true, false, null]));
});

test("they run in the order of their names, and only the missing ones", async () => {
  const first = { "1_a": "CREATE TABLE a (x int)" };
  const second = { ...first, "3_c": "ALTER TABLE b ADD z int", "2_b": "CREATE TABLE b (y int)" };
  expect(await applyMigrations(temp.url, migrations(first))).toEqual(["1_a"]);
  expect(await applyMigrations(temp.url, migrations(second))).toEqual(["2_b", "3_c"]);
});

test("one that fails leaves nothing but a line that says why, and is tried again", async () => {
  const broken = {
    "1_a": "CREATE TABLE a (x int)",
    "2_b": "CREATE TABLE b (y int); INSERT INTO b VALUES (1); SELECT 1 / 0;",
  };
  await expect(applyMigrations(temp.url, migrations(broken))).rejects.toThrow(
    "The migration 2_b failed (division by zero); nothing of it was kept, and the next start tries it again.",
  );
  expect(await ask(tables)).toEqual([["a"]]);
  expect(await ask(book)).toEqual([
    ["1_a", true, false, null],
    ["2_b", false, false, "division by zero"],
  ]);

  const mended = { ...broken, "2_b": "CREATE TABLE b (y int)" };
  expect(await applyMigrations(temp.url, migrations(mended))).toEqual(["2_b"]);
  expect(await ask(book)).toEqual([
    ["1_a", true, false, null],
    ["2_b", false, true, "division by zero"],
    ["2_b", true, false, null],
  ]);
});

test("a process killed in the middle of one leaves nothing, and the next finishes", async () => {
  const folder = migrations({ "1_a": "CREATE TABLE a (x int); SELECT pg_advisory_lock(1); CREATE TABLE b (y int)" });
  await client.query("SELECT pg_advisory_lock(1)");
  const code = `import { applyMigrations } from "#workers/setup/migrate.ts"; await applyMigrations(${JSON.stringify(temp.url)}, ${JSON.stringify(folder)});`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: "inherit" });
  while (
    (await ask("SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event = 'advisory'"))
      .length === 0
  );
  child.kill("SIGKILL");
  await once(child, "close");
  await client.query("SELECT pg_advisory_unlock(1)");
  expect(await applyMigrations(temp.url, folder)).toEqual(["1_a"]);
  expect(await ask(tables)).toEqual([["a"], ["b"]]);
  expect(await ask(book)).toEqual([["1_a", true, false, null]]);
});

test("one that was edited after it was applied is refused", async () => {
  await applyMigrations(temp.url, migrations({ "1_a": "CREATE TABLE a (x int)" }));
  await expect(applyMigrations(temp.url, migrations({ "1_a": "CREATE TABLE a (x bigint)" }))).rejects.toThrow(
    "The migration 1_a was edited after it was applied",
  );
});

test("one checked out with other line ends is the same", async () => {
  await applyMigrations(temp.url, migrations({ "1_a": "CREATE TABLE a (\n  x int\n);\n" }));
  expect(await applyMigrations(temp.url, migrations({ "1_a": "CREATE TABLE a (\r\n  x int\r\n);\r\n" }))).toEqual([]);
});

test("a database of a newer version is refused, untouched", async () => {
  await applyMigrations(temp.url, migrations({ "1_a": "CREATE TABLE a (x int)", "3_c": "CREATE TABLE c (x int)" }));
  const older = migrations({ "1_a": "CREATE TABLE a (x int)", "2_b": "CREATE TABLE b (x int)" });
  await expect(applyMigrations(temp.url, older)).rejects.toThrow(
    "The database has the migration 3_c, which this Guidepost does not know; start the newer version that made it.",
  );
  expect(await ask(tables)).toEqual([["a"], ["c"]]);
});

test("a database that cannot be reached is told", async () => {
  const elsewhere = new URL(temp.url);
  elsewhere.port = "1";
  await expect(applyMigrations(elsewhere.href, migrationsFolder)).rejects.toThrow(
    /^The database cannot be reached \(.*\); check DATABASE_URL\.$/,
  );
});
