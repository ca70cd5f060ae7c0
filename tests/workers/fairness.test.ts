import { afterAll, beforeAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import { effectsOf, putStub, release, type StubJob, stubRow } from "../support/stub-jobs.ts";
import { useStubWorkers } from "../support/stub-workers.ts";
import { useTempHub } from "../support/temp-hub.ts";

// One worker with one place for networks: what one person asks for is all that stands before another's.

const hub = await useTempHub();
const { start } = useStubWorkers({ ...hub.variables, GUIDEPOST_PLACES: "1" }, async () => {
  await database().worker.deleteMany();
  await database().job.deleteMany();
  await database().jobTurn.deleteMany();
});
beforeAll(async () => {
  for (const id of ["ann", "bob", "eve"])
    await database().$executeRaw`INSERT INTO app_user (id, name, email) VALUES (${id}, ${id}, ${`${id}@example.org`})`;
});
afterAll(() => hub.close());
const preview = (does: string, userId: string): Promise<StubJob> => putStub(does, "preview", "person", { userId });
const check = (does: string, userId: string): Promise<StubJob> => putStub(does, "check", "person", { userId });
const until = (job: StubJob, state: string) =>
  expect.poll(async () => (await stubRow(job)).state, { interval: 50 }).toBe(state);
/** From its begin to its end. */
const secondsOf = async ({ id }: StubJob): Promise<number> => {
  const { startedAt, finishedAt } = await database().job.findFirstOrThrow({ where: { subjectId: id } });
  return (finishedAt!.getTime() - startedAt!.getTime()) / 1000;
};

test("places are given round by person: who asks for less at once comes first, and the others' turns are counted", async () => {
  const eves = [];
  for (let i = 0; i < 4; i++) eves.push(await preview("end", "eve"));
  const bobs = [await preview("end", "bob"), await preview("end", "bob")];
  const all = [...eves, ...bobs];
  await start();
  for (const job of all) await until(job, "succeeded");
  const order = (await effectsOf(...all)).map(({ id }) => (bobs.some((job) => job.id === id) ? "bob" : "eve"));
  expect(order.slice(0, 2)).toEqual(["bob", "bob"]);
});

test("long work makes room for another's short work, goes on, and ends", async () => {
  await start();
  const long = await check("hold", "eve");
  await until(long, "running");
  const short = await preview("end", "bob");
  await until(short, "succeeded");
  await expect.poll(() => stubRow(long)).toMatchObject({ state: "running", paused: 1, attempt: 1 });
  await release(long);
  await until(long, "succeeded");
  expect(await effectsOf(long, short)).toHaveLength(2);
});

test("who floods the one place with long work and short keeps another from nothing but their turn", async () => {
  await start();
  const flood = [await check("hold", "eve"), await check("hold", "eve")];
  await until(flood[0]!, "running");
  for (let i = 0; i < 6; i++) flood.push(await preview("hold", "eve"));
  await until(flood[2]!, "running"); // hers goes in between, too
  const bobs = await preview("end", "bob");
  await release(flood[2]!); // what was begun, and no more: all else of hers would hold the place for ever
  await until(bobs, "succeeded");
});

test("long work of who asks for no more goes at once beside a flood of long work, and again", async () => {
  await start();
  const flood = [];
  for (let i = 0; i < 6; i++) flood.push(await check("hold", "eve"));
  await until(flood[0]!, "running");
  for (let i = 0; i < 2; i++) {
    const bobs = await check("end", "bob");
    await until(bobs, "succeeded"); // none of hers ends
    expect(await stubRow(bobs)).toMatchObject({ attempt: 1 });
  }
  await release(...flood);
  for (const job of flood) await until(job, "succeeded");
});

test("what is told of the wait is how many go before, and how long such work took, within a factor of two", async () => {
  await start();
  const known = await preview("work 1 s", "ann"); // tells how long one takes
  await expect.poll(async () => (await timelineOf(known.id)).at(-1)?.kind).toBe("succeeded");
  const one = await secondsOf(known);
  const eves = [];
  for (let i = 0; i < 6; i++) eves.push(await preview("work 1 s", "eve"));
  const bobs = [await preview("work 1 s", "bob"), await preview("work 1 s", "bob"), await preview("work 1 s", "bob")];
  const all = [...eves, ...bobs];
  const begun = async (): Promise<number> =>
    (await Promise.all(all.map(stubRow))).filter(({ state }) => state !== "queued").length;
  const told = (await queuePosition("preview", bobs[2]!.id))!;
  const after = await begun();
  expect(told.seconds! / one).toBeGreaterThan(told.ahead / 2);
  expect(told.seconds! / one).toBeLessThan((told.ahead + 1) * 2); // and what is left of the one that runs
  await until(bobs[2]!, "succeeded");
  const place = (await effectsOf(...all)).findIndex(({ id }) => id === bobs[2]!.id);
  expect(place).toBeGreaterThanOrEqual(told.ahead); // what had begun may make room, and end later
  expect(place).toBeLessThanOrEqual(told.ahead + after);
});

const upload = (userId: string): Promise<StubJob> => putStub("hold", "hash", "upload", { userId });

test("one person's files are read one after the other, and another's beside them at once", async () => {
  await start();
  const eves = [await upload("eve"), await upload("eve")];
  await until(eves[0]!, "running");
  const bobs = await upload("bob");
  await until(bobs, "running");
  expect((await Promise.all(eves.map(stubRow))).map(({ state }) => state)).toEqual(["running", "queued"]);
  await release(...eves, bobs);
  for (const job of [...eves, bobs]) await until(job, "succeeded");
});

test("so they are in whichever of the two places the first of them was begun", async () => {
  await start();
  const [anns, eves] = [await upload("ann"), await upload("eve")];
  for (const job of [anns, eves]) await until(job, "running"); // in one place each
  const more = [await upload("ann"), await upload("eve")];
  for (const [ended, next, waits] of [
    [anns, more[0]!, more[1]!],
    [eves, more[1]!, null],
  ] as const) {
    await release(ended);
    await until(next, "running");
    if (waits) expect((await stubRow(waits)).state).toBe("queued");
  }
  await release(...more);
  const bobs = await upload("bob");
  await release(bobs);
  for (const job of [...more, bobs]) await until(job, "succeeded");
});
