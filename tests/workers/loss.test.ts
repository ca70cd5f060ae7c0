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

const takenBy = (job: StubJob, worker: StubWorker) =>
  expect.poll(async () => (await stubRow(job)).pid, { interval: 50 }).toBe(worker.pid);
const story = async ({ id }: StubJob): Promise<string[]> =>
  (await timelineOf(id)).map(({ kind, attempt }) => `${kind} ${attempt}`);

// How soon, `npm run bench -- kill` measures. A lease that nobody takes back holds a job for an hour.
test("the jobs of a killed and of a frozen worker run elsewhere, and are done once", async () => {
  const first = await start();
  const [job, filler] = [await putStub("hold"), await putStub("hold")]; // all places of the first
  for (const each of [job, filler]) await takenBy(each, first);
  const second = await start();
  const frozenJob = await putStub("hold, deaf");
  await takenBy(frozenJob, second);
  await release(filler);
  await expect.poll(async () => (await stubRow(filler)).state).toBe("succeeded");

  const third = await start();
  first.kill("SIGKILL");
  second.kill("SIGSTOP");
  await release(job, frozenJob);
  for (const each of [job, frozenJob]) await takenBy(each, third);
  for (const each of [job, frozenJob]) await expect.poll(async () => (await stubRow(each)).state).toBe("succeeded");

  // It finds its job released, and writes its result, too late, before it leaves.
  second.kill("SIGCONT");
  second.kill("SIGTERM");
  expect(await second.ended).toBe(0);
  expect((await effectsOf(job)).map(({ attempt, pid }) => [attempt, pid])).toEqual([[2, third.pid]]);
  expect((await effectsOf(frozenJob)).map(({ attempt, pid }) => [attempt, pid])).toEqual([[2, third.pid]]);
  for (const each of [job, frozenJob])
    expect(await story(each)).toEqual(["queued 0", "started 1", "retried 1", "started 2", "succeeded 2"]);

  const next = await putStub("end");
  await takenBy(next, third);
  await expect.poll(async () => (await stubRow(next)).state).toBe("succeeded");
});

test("a job that kills every worker ends with worker_lost, and no other waits for it", async () => {
  let alive = await start();
  const poison = await putStub("kill its worker");
  const others: StubJob[] = [];
  for (let death = 0; death <= MAX_LOSSES; death++) {
    await expect.poll(async () => (await stubRow(poison)).attempt, { interval: 50 }).toBe(death + 1);
    await alive.ended;
    alive = await start();
    others.push(await putStub("end"));
    // As if its heartbeat had been missing for a minute.
    await askQueue(
      "UPDATE pgboss.job SET heartbeat_on = heartbeat_on - interval '1 minute' WHERE id = $1 AND state = 'active'",
      [await queueIdOf(poison)],
    );
  }
  await expect.poll(async () => (await stubRow(poison)).state).toBe("failed");
  expect((await stubRow(poison)).problem).toContain(
    "This was begun 4 times, and each time the worker that did it was lost",
  );
  expect((await story(poison)).at(-1)).toBe(`failed ${MAX_LOSSES + 1}`);
  for (const other of others) await expect.poll(async () => (await stubRow(other)).state).toBe("succeeded");
  expect(await effectsOf(poison)).toEqual([]);
  expect(await database().outbox.count({ where: { subjectId: poison.id, kind: "job.retried" } })).toBe(MAX_LOSSES);
});
