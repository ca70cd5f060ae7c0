import { type ChildProcess, fork } from "node:child_process";
import { once } from "node:events";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { alone } from "#lib/db/alone.ts";
import { database, openDatabase } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";
import { liveWorkers } from "#lib/queue/workers.ts";
import { newPerson } from "../support/actors.ts";
import { newRepoWith, starterFiles } from "../support/evidence.ts";
import { pgbouncerPath, startPgbouncer } from "../support/pgbouncer.ts";
import { useTempHub } from "../support/temp-hub.ts";

const POOL = 4; // of connections to the server, for four processes that would open ten each
const hub = await useTempHub();
const pooler = pgbouncerPath === null ? null : await startPgbouncer(hub.database.url, POOL);
const variables = {
  ...hub.variables,
  ...(pooler && { DATABASE_URL: pooler.url, DATABASE_DIRECT_URL: hub.database.url }),
};
Object.assign(process.env, variables);

const children: ChildProcess[] = [];
async function start(script: string): Promise<{ readonly child: ChildProcess; readonly said: unknown }> {
  const child = fork(new URL(script, import.meta.url), { env: { ...process.env, ...variables }, stdio: "inherit" });
  children.push(child);
  const [said] = (await once(child, "message")) as [unknown];
  return { child, said };
}

afterAll(async () => {
  for (const child of children.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null)) {
    child.kill("SIGKILL");
    await once(child, "exit");
  }
  await hub.close();
  await pooler?.stop();
});

describe("two web processes and two workers, behind a pooler that gives out connections by transaction", () => {
  let ann: Person;
  let webs: string[];
  beforeAll(async () => {
    if (pooler === null) return;
    ann = await newPerson("ann");
    webs = [];
    for (let i = 0; i < 2; i++) webs.push(((await start("../support/web-child.ts")).said as { url: string }).url);
    for (let i = 0; i < 2; i++) await start("../../workers/hub/main.ts");
  });

  test("commits, inspections, lists and pages", async ({ skip }) => {
    skip(pooler === null, "PgBouncer is not installed here (apt-get install pgbouncer)");
    await expect.poll(async () => (await liveWorkers()).length).toBe(2);
    const files = await starterFiles("guide-tiny");
    const names = Array.from({ length: 6 }, (_, n) => `guide-${n}`);
    const made = await Promise.all(
      names.map((name) => newRepoWith(ann, { name, kind: "guide", visibility: "public" }, files)),
    );
    const heard = new Set<string>();
    for (const { commitId } of made) {
      const inspection = await database().inspection.findFirstOrThrow({ where: { commitId }, select: { id: true } });
      watch(inspection.id, () => heard.add(inspection.id));
    }
    await expect
      .poll(() => database().inspection.count({ where: { state: "succeeded" } }), { interval: 100 })
      .toBe(names.length);
    await expect.poll(() => heard.size).toBe(names.length); // LISTEN reached the database itself

    const ask = async (n: number): Promise<number> => {
      const path =
        n % 3 === 0 ? "/repos?facets=true" : `/repos/ann/${names[n % names.length]}${n % 3 === 1 ? "" : "/guides"}`;
      return (await fetch(`${webs[n % 2]}/api/v1${path}`)).status;
    };
    const statuses = await Promise.all(Array.from({ length: 120 }, (_, n) => ask(n)));
    expect(statuses.filter((status) => status >= 500)).toEqual([]);
    expect(statuses.filter((status) => status === 200).length).toBeGreaterThanOrEqual(80); // guides of a guide are a 400
    const direct = openDatabase(hub.database.url);
    const [pooled] = await direct.$queryRaw<
      { count: number }[]
    >`SELECT count(*)::int AS count FROM pg_stat_activity WHERE datname = current_database() AND application_name IN ('guidepost', 'guidepost-queue') AND client_addr IS NOT NULL AND pid <> pg_backend_pid() AND backend_type = 'client backend'`;
    await direct.$disconnect();
    // Of the queue each worker has up to six connections of its own, and one that listens.
    expect(pooled!.count).toBeLessThanOrEqual(POOL + 2 * 7);
  });

  test("what only one process does at a time", async ({ skip }) => {
    skip(pooler === null, "PgBouncer is not installed here (apt-get install pgbouncer)");
    const within = await alone("sweep", async () => {
      for (let i = 0; i < 2 * POOL; i++) expect(await alone("sweep", async () => "in")).toBeNull();
      return "out";
    });
    expect(within).toBe("out");
    expect(await alone("sweep", async () => "again")).toBe("again");
  });

  test("leaves nothing behind in a connection: no name, no setting, no lock", async ({ skip }) => {
    skip(pooler === null, "PgBouncer is not installed here (apt-get install pgbouncer)");
    for (let i = 0; i < 3 * POOL; i++) {
      const [left] = await database().$queryRaw<{ statements: number; locks: number; limit: string }[]>`
        SELECT (SELECT count(*)::int FROM pg_prepared_statements WHERE name <> '') AS statements,
          (SELECT count(*)::int FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid()) AS locks, current_setting('statement_timeout') AS limit`;
      expect(left).toEqual({ statements: 0, locks: 0, limit: "0" });
    }
  });
});
