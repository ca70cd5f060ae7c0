import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { askQueue } from "#lib/queue/boss.ts";
import { MAX_LOSSES } from "#lib/queue/jobs.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import {
  effectsOf,
  putStub,
  queueIdOf,
  release,
  type StubJob,
  stubRow,
  type StubWorker,
} from "../support/stub-jobs.ts";
import { useStubWorkers } from "../support/stub-workers.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
const { start } = useStubWorkers(hub.variables);
afterAll(() => hub.close());

const takenBy = (job: StubJob, worker: StubWorker, timeout: number) =>
  expect.poll(async () => (await stubRow(job)).pid, { timeout, interval: 50 }).toBe(worker.pid);
const story = async ({ id }: StubJob): Promise<string[]> =>
  (await timelineOf(id)).map(({ kind, attempt }) => `${kind} ${attempt}`);

test("the jobs of a killed and of a frozen worker run elsewhere within 20 s, and are done once", async () => {
  const first = await start();
  const [job, filler] = [await putStub("hold"), await putStub("hold")]; // all places of the first
  for (const each of [job, filler]) await takenBy(each, first, 5000);
  const second = await start();
  const frozenJob = await putStub("hold, deaf");
  await takenBy(frozenJob, second, 5000);
  await release(filler);
  await expect.poll(async () => (await stubRow(filler)).state).toBe("succeeded");

  const third = await start();
  const began = performance.now();
  first.kill("SIGKILL");
  second.kill("SIGSTOP");
  await release(job, frozenJob);
  for (const each of [job, frozenJob]) await takenBy(each, third, 20_000);
  expect(performance.now() - began).toBeLessThan(20_000);
  for (const each of [job, frozenJob]) await expect.poll(async () => (await stubRow(each)).state).toBe("succeeded");

  second.kill("SIGCONT");
  await sleep(2000); // it finds its job released, and writes its result: too late
  expect((await effectsOf(job)).map(({ attempt, pid }) => [attempt, pid])).toEqual([[2, third.pid]]);
  expect((await effectsOf(frozenJob)).map(({ attempt, pid }) => [attempt, pid])).toEqual([[2, third.pid]]);
  for (const each of [job, frozenJob])
    expect(await story(each)).toEqual(["queued 0", "started 1", "retried 1", "started 2", "succeeded 2"]);

  const next = await putStub("end");
  await expect.poll(async () => (await stubRow(next)).state).toBe("succeeded"); // by whichever of the two
}, 60_000);

test("a job that kills every worker ends with worker_lost, and no other waits for it", async () => {
  let alive = await start();
  const poison = await putStub("kill its worker");
  const others: StubJob[] = [];
  for (let death = 0; death <= MAX_LOSSES; death++) {
    await expect.poll(async () => (await stubRow(poison)).attempt, { timeout: 8000, interval: 50 }).toBe(death + 1);
    await alive.ended;
    alive = await start();
    others.push(await putStub("end"));
    // As if its heartbeat had been missing for a minute.
    await askQueue(
      "UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE id = $1 AND state = 'active'",
      [await queueIdOf(poison)],
    );
  }
  await expect.poll(async () => (await stubRow(poison)).state, { timeout: 8000, interval: 50 }).toBe("failed");
  expect((await stubRow(poison)).problem).toContain(
    "This was begun 4 times, and each time the worker that did it was lost",
  );
  expect((await story(poison)).at(-1)).toBe(`failed ${MAX_LOSSES + 1}`);
  for (const other of others)
    await expect.poll(async () => (await stubRow(other)).state, { timeout: 8000 }).toBe("succeeded");
  expect(await effectsOf(poison)).toEqual([]);
  expect(await database().outbox.count({ where: { subjectId: poison.id, kind: "job.retried" } })).toBe(MAX_LOSSES);
}, 60_000);
