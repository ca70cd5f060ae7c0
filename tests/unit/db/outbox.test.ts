import { readFile } from "node:fs/promises";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, expect, test } from "vitest";
import { openDatabase } from "#lib/db/client.ts";
import { append, lookBack, type OutboxPlace, readOutbox } from "#lib/db/outbox.ts";
import type { OutboxKind } from "#lib/db/outbox-kinds.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { ids, smallHub } from "../../support/small-hub.ts";
import { createTempDatabase, migrationsFolder } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const database = openDatabase(temp.url);
const [one, two] = [0, 1].map(() => new pg.Client({ connectionString: temp.url })) as [pg.Client, pg.Client];
const kinds: readonly OutboxKind[] = ["repo.update", "repo.commit", "job.started"];

beforeAll(async () => {
  await Promise.all([one.connect(), two.connect()]);
  await one.query(smallHub);
});
beforeEach(() =>
  one.query("ALTER TABLE outbox DISABLE TRIGGER USER; DELETE FROM outbox; ALTER TABLE outbox ENABLE TRIGGER USER"),
);
afterAll(async () => {
  await Promise.all([one.end(), two.end()]);
  await database.$disconnect();
  await temp.drop();
});

const write = (client: pg.Client, subject: string) =>
  client.query("INSERT INTO outbox (kind, subject_id) VALUES ('repo.update', $1)", [subject]);

/** Reads on from where it is, until there is nothing more. */
function reader(): () => Promise<string[]> {
  let place: OutboxPlace | null = null;
  return async () => {
    const seen: string[] = [];
    for (;;) {
      const rows = await readOutbox(database, place, kinds, 2);
      if (rows.length === 0) return seen;
      seen.push(...rows.map(({ subjectId }) => subjectId));
      place = rows.at(-1)!;
    }
  };
}

/** Other suites' transactions on the same server hold the horizon back for a moment. */
async function readAll(read: () => Promise<string[]>, count: number): Promise<string[]> {
  const seen: string[] = [];
  await expect.poll(async () => seen.push(...(await read()))).toBeGreaterThanOrEqual(count);
  return seen;
}

test("what is written down is there if and only if it happened, with its repo and namespace", async () => {
  await inLockedTransaction(database, (transaction) =>
    append(transaction, { kind: "repo.update", subjectId: ids.fine, actorId: "ann", detail: { changed: ["tags"] } }),
  );
  await inLockedTransaction(database, async (transaction) => {
    await append(transaction, { kind: "repo.update", subjectId: ids.base });
    throw new Error("no");
  }).catch(() => {});
  await expect.poll(async () => (await readOutbox(database, null, kinds, 10)).length).toBeGreaterThan(0);
  const rows = await readOutbox(database, null, kinds, 10);
  expect(rows).toMatchObject([
    {
      kind: "repo.update",
      subjectId: ids.fine,
      repoId: ids.fine,
      namespaceId: ids.lab,
      actorId: "ann",
      detail: { changed: ["tags"] },
    },
  ]);
});

test("a reader never passes what was numbered early and is committed late", async () => {
  const read = reader();
  await one.query("BEGIN");
  await write(one, "early"); // has its number, and is not there yet
  await write(two, "late");
  expect(await read()).toEqual([]); // “late” waits for “early”
  expect((await lookBack(database, { kinds: "audit" }, 10)).map(({ subjectId }) => subjectId)).toEqual(["late"]);
  await one.query("COMMIT");
  await write(two, "last");
  expect(await readAll(read, ["early", "late", "last"].length)).toEqual(["early", "late", "last"]);
  expect(await read()).toEqual([]);
});

test("a number that was drawn before its transaction had one is read all the same", async () => {
  const read = reader();
  await one.query("BEGIN");
  const { rows } = await one.query<{ id: string }>("SELECT nextval(pg_get_serial_sequence('outbox', 'id')) AS id");
  await write(two, "in between");
  expect(await readAll(read, ["in between"].length)).toEqual(["in between"]);
  await one.query("INSERT INTO outbox (id, kind, subject_id) VALUES ($1, 'repo.update', 'drawn first')", [rows[0]!.id]);
  await one.query("COMMIT");
  expect(await readAll(read, ["drawn first"].length)).toEqual(["drawn first"]);
});

test("of many who write at once, and some who change their mind, a reader sees each once", async () => {
  const read = reader();
  const seen: string[] = [];
  const done = new AbortController();
  const reading = (async () => {
    while (!done.signal.aborted) seen.push(...(await read()));
  })();
  const names = Array.from({ length: 80 }, (_, n) => `s${n}`);
  await Promise.all(
    names.map((name, n) =>
      inLockedTransaction(database, async (transaction) => {
        await append(transaction, { kind: "repo.update", subjectId: ids.fine, detail: { name } });
        await transaction.$executeRaw`SELECT pg_sleep(${Math.random() / 50})`;
        if (n % 5 === 0) throw new Error("changed my mind");
      }).catch(() => {}),
    ),
  );
  done.abort();
  await reading;
  await expect.poll(async () => seen.push(...(await read()))).toBeGreaterThanOrEqual(64);
  expect(seen).toHaveLength(64);
  expect(await database.outbox.count()).toBe(64);
});

test("after a backup was put back on another server, what happens comes after what happened", async () => {
  await write(one, "before");
  await one.query(
    "ALTER TABLE outbox DISABLE TRIGGER USER; UPDATE outbox SET position = 9000000000; ALTER TABLE outbox ENABLE TRIGGER USER",
  );
  const read = reader();
  expect(await read()).toEqual([]); // from the future, as this server counts
  await one.query("SELECT outbox_continue()");
  await one.query("SELECT outbox_continue()");
  await write(one, "after");
  expect(await readAll(read, ["before", "after"].length)).toEqual(["before", "after"]);
  await write(one, "and on");
  expect(await readAll(read, ["and on"].length)).toEqual(["and on"]);
});

test("the plans of a reader and of a timeline go by their indexes", async () => {
  await one.query(`INSERT INTO outbox (kind, subject_id, position)
    SELECT CASE n % 2 WHEN 0 THEN 'repo.update' ELSE 'job.started' END, 'subject-' || n % 5000, 1 FROM generate_series(1, 20000) n`);
  await one.query("ANALYZE outbox");
  const plan = async (sql: string) =>
    (await one.query<{ "QUERY PLAN": string }>(`EXPLAIN ${sql}`)).rows.map((row) => row["QUERY PLAN"]).join("\n");
  expect(
    await plan(
      "SELECT * FROM outbox WHERE (position, id) > (1, 15000) AND position < outbox_horizon() AND kind = ANY ('{repo.update}') ORDER BY position, id LIMIT 100",
    ),
  ).toContain("outbox_in_order");
  expect(
    await plan("SELECT * FROM outbox WHERE kind LIKE 'job.%' AND subject_id = 'subject-7' ORDER BY id DESC LIMIT 500"),
  ).toContain("outbox_of_subject");
});

test("a hub from before keeps its record and its timelines", async () => {
  const old = await createTempDatabase("empty");
  const client = new pg.Client({ connectionString: old.url });
  await client.connect();
  try {
    const sql = async (name: string) => readFile(join(migrationsFolder, name, "migration.sql"), "utf8");
    await client.query(`${await sql("20261124120000_tables")};${await sql("20261124120100_rules")}`);
    await client.query(`
      INSERT INTO app_user (id, name, email, email_verified, created_at, updated_at) VALUES ('ann', 'ann', 'ann@example.org', false, now(), now());
      INSERT INTO namespace (id, kind, name, user_id) VALUES ('${ids.ann}', 'user', 'ann', 'ann');
      INSERT INTO repo (id, namespace_id, name, kind, visibility, updated_at) VALUES ('${ids.fine}', '${ids.ann}', 'fine', 'finetune', 'public', now());
      INSERT INTO audit_event (at, actor_id, apikey_id, action, subject_id, detail) VALUES ('2026-01-01', 'ann', 'token', 'repo.create', '${ids.fine}', '{"name": "ann/fine"}'), ('2026-01-03', NULL, NULL, 'repo.purge', 'gone', '{}');
      INSERT INTO job_event (at, subject, subject_id, attempt, kind, message, detail) VALUES ('2026-01-02', 'inspection', '${ids.base}', 1, 'progress', 'Read.', '{"size": 1}')`);
    await client.query(await sql("20261130144000_quotas_outbox"));
    const { rows } = await client.query(
      "SELECT kind, actor_id, apikey_id, namespace_id, repo_id, detail FROM outbox ORDER BY position, id",
    );
    expect(rows).toEqual([
      {
        kind: "repo.create",
        actor_id: "ann",
        apikey_id: "token",
        namespace_id: ids.ann,
        repo_id: ids.fine,
        detail: { name: "ann/fine" },
      },
      {
        kind: "job.progress",
        actor_id: null,
        apikey_id: null,
        namespace_id: null,
        repo_id: null,
        detail: { subject: "inspection", attempt: 1, message: "Read.", facts: { size: 1 } },
      },
      { kind: "repo.purge", actor_id: null, apikey_id: null, namespace_id: null, repo_id: null, detail: {} },
    ]);
  } finally {
    await client.end();
    await old.drop();
  }
});
