import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { toAppError } from "#lib/http/failure.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { startPostgres } from "#workers/setup/postgres.ts";
import { freeze, thaw } from "../support/frozen.ts";
import { createStubTables, effectsOf, putStub, release, startStubWorker, stubRow } from "../support/stub-jobs.ts";
import { migrationsFolder } from "../support/temp-database.ts";

const folder = await mkdtemp(join(tmpdir(), "guidepost-restart-"));
const own = { folder: join(folder, "postgres"), settings: { fsync: "off" } };
let postgres = await startPostgres(own);
Object.assign(process.env, { DATABASE_URL: postgres.url, GUIDEPOST_DATA: folder, LOG_LEVEL: "error" });

afterAll(async () => {
  await closeQueue();
  await postgres.stop();
  await rm(folder, { recursive: true, force: true });
});

test("a worker and a sender go on when PostgreSQL was killed and came back, each without a restart", async () => {
  await applyMigrations(postgres.url, migrationsFolder);
  await createStubTables();
  const worker = await startStubWorker({ DATABASE_URL: postgres.url, LOG_LEVEL: "error" });
  try {
    const held = await putStub("hold");
    const ending = await putStub("end when the database is away");
    for (const job of [held, ending]) await expect.poll(async () => (await stubRow(job)).state).toBe("running");

    process.kill(postgres.pid, "SIGKILL");
    await postgres.ended;
    expect(toAppError(await putStub("end").catch((cause: unknown) => cause)).code).toBe("database_unavailable");
    await sleep(500); // the result of a job has nowhere to go
    const { url } = postgres;
    postgres = await startPostgres(own);
    expect(postgres.url).toBe(url); // the port of the last start

    await release(held);
    await expect.poll(async () => (await stubRow(held)).state).toBe("succeeded");
    const next = await putStub("end");
    await expect.poll(async () => (await stubRow(next)).state).toBe("succeeded");
    await expect.poll(async () => (await stubRow(ending)).state).toBe("succeeded");
    expect(await effectsOf(held, ending, next)).toHaveLength(3);
    expect((await stubRow(ending)).problem).toBeNull();
    expect(worker.process.exitCode).toBeNull();
  } finally {
    worker.kill("SIGKILL");
    await worker.ended;
  }
});

test("a worker goes on when PostgreSQL was frozen for longer than anybody waits for it", async () => {
  const worker = await startStubWorker({ DATABASE_URL: postgres.url, LOG_LEVEL: "info" });
  try {
    const held = await putStub("hold");
    await expect.poll(async () => (await stubRow(held)).state).toBe("running");
    freeze(postgres.pid);
    try {
      expect(toAppError(await putStub("end").catch((cause: unknown) => cause)).code).toBe("database_unavailable");
      await expect.poll(() => worker.log()).toContain("database.silent");
    } finally {
      thaw(postgres.pid);
    }
    await expect.poll(() => release(held)).toBeUndefined();
    await expect.poll(async () => (await stubRow(held)).state).toBe("succeeded");
    const next = await putStub("end");
    await expect.poll(async () => (await stubRow(next)).state).toBe("succeeded");
    expect(await effectsOf(held, next)).toHaveLength(2);
    expect(worker.process.exitCode).toBeNull();
  } finally {
    worker.kill("SIGKILL");
    await worker.ended;
  }
});

/** Longer than a job is anybody's who says nothing (10 s), and than whoever waits for an answer (8 s). */
const FROZEN_MS = 14_000;

test("frozen for longer than a job is kept for its worker, every job is done once, by whom it was or by another", async () => {
  const variables = { DATABASE_URL: postgres.url, LOG_LEVEL: "error" };
  const workers = [await startStubWorker(variables), await startStubWorker(variables)];
  try {
    const held = [await putStub("hold"), await putStub("hold, deaf")];
    const ending = [await putStub("end when the database is away"), await putStub("end when the database is away")];
    const all = [...held, ...ending];
    for (const job of all) await expect.poll(async () => (await stubRow(job)).state).toBe("running");
    const waiting = [];
    for (let i = 0; i < 4; i++) waiting.push(await putStub("end"));
    freeze(postgres.pid);
    try {
      await sleep(FROZEN_MS);
    } finally {
      thaw(postgres.pid);
    }
    await expect
      .poll(() =>
        release(...held).then(
          () => "heard",
          () => "away",
        ),
      )
      .toBe("heard");
    for (const job of [...all, ...waiting]) await expect.poll(async () => (await stubRow(job)).state).toBe("succeeded");
    const effects = await effectsOf(...all, ...waiting);
    expect(effects.map(({ id }) => id).toSorted()).toEqual([...all, ...waiting].map(({ id }) => id).toSorted());
    for (const job of [...all, ...waiting]) {
      const { attempt, problem } = await stubRow(job);
      expect(attempt).toBeLessThanOrEqual(2);
      expect(problem).toBeNull();
      expect(effects.find(({ id }) => id === job.id)!.attempt).toBe(attempt);
    }
    const unended = await database().$queryRaw<{ count: number }[]>`
      SELECT count(*)::int AS count FROM pgboss.job WHERE state IN ('created', 'active', 'retry') AND name = 'files'`;
    expect(unended[0]!.count).toBe(0);
    for (const worker of workers) expect(worker.process.exitCode).toBeNull();
  } finally {
    for (const worker of workers) worker.kill("SIGKILL");
    await Promise.all(workers.map(({ ended }) => ended));
  }
});
