import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { askQueue } from "#lib/queue/boss.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { jobKinds } from "#lib/queue/jobs.ts";
import { liveWorkers } from "#lib/queue/workers.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
afterAll(() => hub.close());

const start = (variables: Readonly<Record<string, string>>) =>
  spawn(process.execPath, [fileURLToPath(new URL("../../workers/hub/main.ts", import.meta.url))], {
    env: { ...process.env, ...variables },
    stdio: ["ignore", "ignore", "pipe", "ipc"],
  });

test("the worker of a hub takes every kind of job, and passes over rows that are gone", async () => {
  const worker = start(hub.variables);
  await once(worker, "message");
  expect(await liveWorkers()).toMatchObject([{ runtime: "cpu-f32" }]);
  for (const kind of jobKinds)
    await inLockedTransaction(database(), (transaction) =>
      enqueue(transaction, { kind, subjectId: randomUUID(), priority: "person" }),
    );
  const ended = async () =>
    (await database().job.findMany({ select: { kind: true, state: true } }))
      .map(({ kind, state }) => `${kind} ${state}`)
      .toSorted();
  await expect
    .poll(ended)
    .toEqual([
      "check failed",
      "curve failed",
      "distill failed",
      "envelope failed",
      "hash cancelled",
      "inspect cancelled",
      "preview failed",
    ]); // what is not there is said
  expect(await askQueue("SELECT 1 FROM pgboss.job WHERE state <> 'completed'", [])).toEqual([]);

  worker.kill("SIGTERM");
  expect(await once(worker, "exit")).toEqual([0, null]);
  expect(await liveWorkers()).toEqual([]);
});

test("a worker that cannot reach its database says so and ends", async () => {
  const worker = start({ ...hub.variables, DATABASE_URL: "postgresql://nobody:nothing@127.0.0.1:9/guidepost" });
  let said = "";
  worker.stderr!.on("data", (bytes: Buffer) => (said += bytes.toString()));
  expect(await once(worker, "close")).toEqual([1, null]);
  expect(said.split("\n").at(-2)).toBe(
    "The database does not answer at the moment; nothing was lost, try again in a few seconds.",
  );
});
