import { afterAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { effectsOf, putStub, type StubJob, stubRow } from "../support/stub-jobs.ts";
import { useStubWorkers } from "../support/stub-workers.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub();
const { start } = useStubWorkers(hub.variables);
afterAll(() => hub.close());

const jobOf = async ({ id }: StubJob) => database().job.findFirstOrThrow({ where: { subjectId: id } });
const countOf = async ({ id }: StubJob): Promise<number> =>
  (await database().$queryRaw<{ count: number }[]>`SELECT count FROM stub WHERE id = ${id}::uuid`)[0]!.count;

test("work of hours keeps its lease, and goes on from its checkpoint on another worker when its own is killed", async () => {
  const first = await start();
  const job = await putStub("count to 200", "inspect", "upload", { lane: "hours" }); // of which a short one may take 1 s here
  await expect.poll(() => countOf(job)).toBeGreaterThan(130); // longer than a heartbeat is waited for
  expect(await stubRow(job)).toMatchObject({ state: "running", attempt: 1, pid: first.pid });
  const { checkpointKey } = await jobOf(job);
  expect(checkpointKey).not.toBeNull();

  const second = await start();
  const reached = await countOf(job);
  first.kill("SIGKILL");
  await expect.poll(async () => (await stubRow(job)).pid, { interval: 50 }).toBe(second.pid);
  await expect.poll(async () => (await stubRow(job)).state).toBe("succeeded");
  expect(await effectsOf(job)).toMatchObject([{ attempt: 2, pid: second.pid }]);
  expect((await stubRow(job)).resumedAt).toBeGreaterThanOrEqual(reached - 10); // it is written every ten
  expect((await jobOf(job)).checkpointKey).toBeNull();
});
