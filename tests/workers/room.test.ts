import { afterAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { registerWorker } from "#lib/queue/workers.ts";
import { effectsOf, putStub, release, type StubJob, startStubWorker, stubRow } from "../support/stub-jobs.ts";
import { useStubWorkers } from "../support/stub-workers.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { workerRow } from "../support/worker-row.ts";

// Workers with a gigabyte for networks, and three places to run them in.

const hub = await useTempHub();
const variables = { ...hub.variables, GUIDEPOST_PROVIDER: "cpu", GUIDEPOST_PLACES: "3", GUIDEPOST_MEMORY: "1GB" };
const { start } = useStubWorkers(variables, async () => {
  await database().worker.deleteMany();
  await database().job.deleteMany();
});
afterAll(() => hub.close());

const what = "0.5 GB of it for the UNet at 512 × 512 px";
const preview = (does: string, bytes: number): Promise<StubJob> =>
  putStub(does, "preview", "person", { need: { bytes, what } });
const check = (does: string, bytes: number, priority: "person" | "batch" = "person"): Promise<StubJob> =>
  putStub(does, "check", priority, { need: { bytes, what } });
const until = (job: StubJob, state: string) =>
  expect.poll(async () => (await stubRow(job)).state, { interval: 50 }).toBe(state);

test("two jobs that do not fit beside each other run one after the other, and what fits runs beside", async () => {
  await start();
  const first = await check("hold", 600e6);
  await until(first, "running");
  const [second, small] = [await check("hold", 600e6), await preview("end", 300e6)];
  await until(small, "succeeded");
  const another = await preview("end", 400e6); // the worker has looked again at what waits before it took this
  await until(another, "succeeded");
  expect((await stubRow(second)).state).toBe("queued");
  await release(first);
  await until(first, "succeeded");
  await until(second, "running");
  await release(second);
  await until(second, "succeeded");
});

test("what needs most of the memory is not kept waiting by what needs little", async () => {
  await start();
  const held = [await preview("hold", 300e6), await preview("hold", 300e6)];
  for (const job of held) await until(job, "running");
  const large = await preview("end", 900e6);
  const later = [await preview("end", 300e6), await preview("end", 300e6)];
  await release(held[0]!);
  await until(held[0]!, "succeeded");
  expect((await Promise.all(later.map(stubRow))).map(({ state }) => state)).toEqual(["queued", "queued"]);
  await release(held[1]!);
  for (const job of [large, ...later]) await until(job, "succeeded");
  expect((await effectsOf(large, ...later))[0]!.id).toBe(large.id);
});

test("what no worker of the last day could do is refused when somebody asks, and else ends, with what it needs and where", async () => {
  await start();
  const sentence =
    /^It needs about 2\.0 GB of memory, 0\.5 GB of it for the UNet at 512 × 512 px, and the largest worker that this hub had in the last day has 1\.0 GB; ask for a smaller/;
  await expect(preview("end", 2e9)).rejects.toMatchObject({ code: "too_little_memory", message: sentence });
  const batch = await check("end", 2e9, "batch");
  await until(batch, "failed");
  expect((await stubRow(batch)).problem).toMatch(sentence);
});

test("what a worker that left in the last day could do waits, says so, and keeps nobody else waiting", async () => {
  await registerWorker({ ...workerRow(1), memory: 4e9 });
  await database().$executeRaw`UPDATE worker SET seen_at = now() - interval '1 hour'`;
  await start();
  const large = await preview("end", 2e9);
  const small = await preview("end", 500e6);
  await until(small, "succeeded");
  expect(await queuePosition("preview", large.id)).toMatchObject({
    workers: 1,
    seconds: null,
    problem: `It needs about 2.0 GB of memory, ${what}, and the largest worker that is online has 1.0 GB; it waits for one with more.`,
  });
  const larger = await startStubWorker({ ...variables, GUIDEPOST_MEMORY: "4GB" });
  try {
    await until(large, "succeeded");
    expect(await effectsOf(large)).toMatchObject([{ pid: larger.pid }]);
  } finally {
    larger.kill("SIGKILL");
    await larger.ended;
  }
});

test("what turns out to need more than was thought goes to a worker that has so much", async () => {
  await start();
  const larger = await startStubWorker({ ...variables, GUIDEPOST_MEMORY: "4GB" });
  try {
    const jobs = [];
    for (let i = 0; i < 6; i++) jobs.push(await preview("need 3 GB", 200e6));
    for (const job of jobs) await until(job, "succeeded");
    expect(new Set((await effectsOf(...jobs)).map(({ pid }) => pid))).toEqual(new Set([larger.pid]));
  } finally {
    larger.kill("SIGKILL");
    await larger.ended;
  }
});

test("and ends where no worker has", async () => {
  await start();
  const job = await preview("need 3 GB", 200e6);
  await until(job, "failed");
  expect((await stubRow(job)).problem).toMatch(
    /^It needs about 3\.0 GB of memory, 2\.5 GB of it for the VAE's decoder, and /,
  );
});

test("what rests counts as taken; where a picture does not fit beside it, it gives its memory back and begins anew", async () => {
  await start();
  const long = await check("hold", 700e6); // ends by no clock, however long what comes beside it takes
  await until(long, "running");
  const small = await preview("work 1 s", 200e6); // beside it
  await until(small, "succeeded");
  const large = await preview("work 1 s", 600e6); // not beside it
  await until(large, "succeeded");
  expect((await effectsOf(small, large, long)).map(({ id }) => id)).toEqual([small.id, large.id]);
  await expect.poll(async () => stubRow(long)).toMatchObject({ state: "running", attempt: 2 });
});

test("and it is not begun again for ever: after two beginnings large pictures wait for its end", async () => {
  await start();
  const long = await check("hold", 700e6);
  for (const attempt of [1, 2]) {
    await expect.poll(async () => stubRow(long)).toMatchObject({ state: "running", attempt });
    await until(await preview("end", 600e6), "succeeded");
  }
  await expect.poll(async () => stubRow(long)).toMatchObject({ state: "running", attempt: 3 });
  const [large, small] = [await preview("end", 600e6), await preview("end", 200e6)];
  await until(small, "succeeded");
  expect((await stubRow(large)).state).toBe("queued");
  await release(long);
  await until(long, "succeeded");
  await until(large, "succeeded");
  expect(await effectsOf(long)).toMatchObject([{ attempt: 3 }]);
});
