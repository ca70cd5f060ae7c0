import { afterAll, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { askQueue } from "#lib/queue/boss.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import { liveWorkers } from "#lib/queue/workers.ts";
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
// Who was killed is counted for 15 s.
const { start } = useStubWorkers(hub.variables, () => database().worker.deleteMany());
afterAll(() => hub.close());

const until = (job: StubJob, state: string) =>
  expect.poll(async () => (await stubRow(job)).state, { interval: 50 }).toBe(state);
const takenBy = (job: StubJob, worker: StubWorker) =>
  expect.poll(async () => (await stubRow(job)).pid, { interval: 50 }).toBe(worker.pid);
const queueState = async (job: StubJob): Promise<string> =>
  (await askQueue<{ state: string }>("SELECT state::text FROM pgboss.job WHERE id = $1", [await queueIdOf(job)]))[0]!
    .state;
const story = async ({ id }: StubJob): Promise<string[]> =>
  (await timelineOf(id)).map(({ kind, attempt }) => `${kind} ${attempt}`);

describe("a job", () => {
  test("is taken, done once, and its timeline says so", async () => {
    const worker = await start();
    expect(await liveWorkers()).toMatchObject([{ runtime: "cpu-f32" }]);
    const jobs: StubJob[] = [];
    for (let i = 0; i < 3; i++) {
      jobs.push(await putStub("end"));
      await until(jobs[i]!, "succeeded");
    }
    await expect.poll(() => queueState(jobs[0]!)).toBe("completed");
    expect(await effectsOf(...jobs)).toEqual(jobs.map(({ id }) => ({ id, attempt: 1, pid: worker.pid })));
    await expect.poll(() => story(jobs[0]!)).toEqual(["queued 0", "started 1", "succeeded 1"]);
  });

  test("follows another, as long as any waits", async () => {
    const jobs = await Promise.all(Array.from({ length: 30 }, () => putStub("end")));
    await start();
    await until(jobs.at(-1)!, "succeeded");
    await expect.poll(async () => (await effectsOf(...jobs)).length).toBe(30);
  });

  test("that fails says why, and is not tried again", async () => {
    const worker = await start();
    const [bad, bug] = [await putStub("fail"), await putStub("stumble")];
    await until(bad, "failed");
    await until(bug, "failed");
    expect(await stubRow(bad)).toMatchObject({
      attempt: 1,
      problem: "It is a toaster; give a model.",
    });
    const { problem } = await stubRow(bug);
    expect(problem).toContain(
      `Something went wrong on our side; try again, and tell the hub's operator the job's id ${await queueIdOf(bug)}`,
    );
    expect(problem).not.toContain("secret");
    const line = worker
      .log()
      .split("\n")
      .find((one) => one.includes("secret is not a function"));
    expect(JSON.parse(line!)).toMatchObject({
      level: "error",
      event: "job.failed",
      jobId: await queueIdOf(bug),
      subjectId: bug.id,
      attempt: 1,
      code: "internal",
    });
    await expect.poll(() => queueState(bad)).toBe("completed");
    expect(await story(bad)).toEqual(["queued 0", "started 1", "failed 1"]);
  });

  test("that fails for a while is tried again, and that is no loss", async () => {
    await start();
    const job = await putStub("fail twice for a while");
    await until(job, "succeeded");
    expect(await effectsOf(job)).toMatchObject([{ attempt: 3 }]);
    await expect
      .poll(() => story(job))
      .toEqual(["queued 0", "started 1", "retried 1", "started 2", "retried 2", "started 3", "succeeded 3"]);
    expect(await askQueue("SELECT retry_count FROM pgboss.job WHERE id = $1", [await queueIdOf(job)])).toEqual([
      { retry_count: 0 },
    ]);
  });

  test("that fails for a while without end fails", async () => {
    await start();
    const job = await putStub("fail for ever");
    await until(job, "failed"); // the thirteenth time
    expect(await stubRow(job)).toMatchObject({
      attempt: 13,
      problem: "The store does not answer.",
    });
  });

  test("that takes longer than it may is stopped, and says so", async () => {
    await start();
    const job = await putStub("hold", "inspect"); // which may take 1 s here
    await until(job, "failed");
    expect((await stubRow(job)).problem).toMatch(/^The work took longer than the 1 seconds/);
  });

  test("that was cancelled while it runs writes nothing, and its place is free at once", async () => {
    const worker = await start();
    const held = [await putStub("hold"), await putStub("hold")]; // all places
    for (const job of held) await takenBy(job, worker);
    await cancelJob(database(), "hash", held[0]!.id);
    const next = await putStub("end");
    await until(next, "succeeded");
    expect(await stubRow(held[0]!)).toMatchObject({ state: "cancelled", problem: null });
    expect(await story(held[0]!)).toEqual(["queued 0", "started 1", "cancelled 0"]);
    expect(await effectsOf(held[0]!)).toEqual([]);
    await release(held[1]!);
    await until(held[1]!, "succeeded");
  });

  test("of a person goes before a batch: places are kept for it, and where they are taken the batch makes room", async () => {
    const worker = await start();
    const batch = [await putStub("hold", "check", "batch"), await putStub("hold", "check", "batch")];
    await takenBy(batch[0]!, worker);
    const people = [
      await putStub("hold", "preview", "person"),
      await putStub("hold", "preview", "person"),
      await putStub("hold", "preview", "person"),
    ];
    for (const job of people) await takenBy(job, worker); // although a batch job is older and two places are free
    expect(await stubRow(batch[0]!)).toMatchObject({ state: "running", attempt: 1, paused: 1 });
    expect((await stubRow(batch[1]!)).state).toBe("queued");
    const last = await putStub("hold", "preview", "person");
    expect(await queuePosition("preview", last.id)).toMatchObject({ ahead: 0, running: 4, workers: 1 });
    expect(await queuePosition("check", batch[1]!.id)).toMatchObject({ ahead: 1, running: 4 });
    await release(people[0]!);
    await takenBy(last, worker);
    expect((await stubRow(batch[1]!)).state).toBe("queued");
    await release(...people, ...batch, last);
    await until(batch[1]!, "succeeded");
  });
});

describe("a worker", () => {
  test("that is asked to leave lets a job end, gives back the other, and takes no more", async () => {
    const first = await start();
    const [short, long] = [await putStub("hold"), await putStub("hold")];
    for (const job of [short, long]) await takenBy(job, first);
    const second = await start();
    first.kill("SIGTERM");
    const later = await putStub("end");
    await until(later, "succeeded");
    expect(await effectsOf(later)).toMatchObject([{ pid: second.pid }]);
    await release(short);
    await until(short, "succeeded");
    expect(await effectsOf(short)).toMatchObject([{ pid: first.pid }]);
    await takenBy(long, second);
    expect(await first.ended).toBe(0);
    await release(long);
    await until(long, "succeeded");
    expect(await effectsOf(long)).toEqual([{ id: long.id, attempt: 2, pid: second.pid }]);
    expect(await askQueue("SELECT retry_count FROM pgboss.job WHERE id = $1", [await queueIdOf(long)])).toEqual([
      { retry_count: 0 },
    ]);
    expect(await liveWorkers()).toHaveLength(1);
  });

  test("leaves at once when whoever started it is gone", async () => {
    const worker = await start();
    worker.process.disconnect();
    expect(await worker.ended).toBe(0);
  });

  test("goes on when every connection to PostgreSQL is cut", async () => {
    await start();
    const held = await putStub("hold");
    await until(held, "running");
    await database()
      .$queryRaw`SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()`;
    await release(held);
    await until(held, "succeeded");
    const next = await putStub("end");
    await until(next, "succeeded");
    expect(await effectsOf(held, next)).toHaveLength(2);
  });
});
