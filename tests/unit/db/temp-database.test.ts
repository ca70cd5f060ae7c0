import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import pg from "pg";
import { expect, test } from "vitest";
import { createTempDatabase } from "../../support/temp-database.ts";

async function ask(url: string, sql: string): Promise<unknown[][]> {
  const client = new pg.Client({ connectionString: url });
  await client.connect();
  try {
    return (await client.query<unknown[]>({ text: sql, rowMode: "array" })).rows;
  } finally {
    await client.end();
  }
}

test("each suite has a migrated database of its own, which goes when it is dropped", async () => {
  const [one, two] = await Promise.all([createTempDatabase(), createTempDatabase()]);
  await ask(one.url, "INSERT INTO app_user (id, name, email) VALUES ('ann', 'Ann', 'ann@example.org')");
  expect(await ask(one.url, "SELECT id FROM app_user")).toEqual([["ann"]]);
  expect(await ask(two.url, "SELECT id FROM app_user")).toEqual([]);
  await one.drop();
  await expect(ask(one.url, "SELECT")).rejects.toMatchObject({ code: "3D000" });
  await two.drop();
});

test("an empty one is empty", async () => {
  const empty = await createTempDatabase("empty");
  expect(await ask(empty.url, "SELECT relname FROM pg_class WHERE relnamespace = 'public'::regnamespace")).toEqual([]);
  await empty.drop();
});

test("when a run is killed its server and its databases go too", async () => {
  const suite = `import { createTempDatabase } from "./tests/support/temp-database.ts"; console.log((await createTempDatabase()).url);`;
  const code = `import { spawn } from "node:child_process"; spawn(process.execPath, ["--input-type=module", "-e", ${JSON.stringify(suite)}], { stdio: "inherit" }); setInterval(() => {}, 1000);`;
  const run: ChildProcess = spawn(process.execPath, ["--input-type=module", "-e", code], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const [line] = (await once(run.stdout!, "data")) as [Buffer];
  const url = line.toString().trim();
  const folder = join(tmpdir(), `guidepost-test-${run.pid}`);
  const { keeper } = JSON.parse(readFileSync(join(folder, "server.json"), "utf8")) as { keeper: number };
  expect(await ask(url, "SELECT count(*)::int FROM app_user")).toEqual([[0]]);

  run.kill("SIGKILL");
  await once(run, "close");
  while (existsSync(folder)) await sleep(50);
  await expect(ask(url, "SELECT")).rejects.toThrow(); // the database is gone, or the server with it
  while (existsSync(`/proc/${keeper}/exe`)) await sleep(50);
});
