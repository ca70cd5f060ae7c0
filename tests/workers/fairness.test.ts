import { afterAll, beforeAll, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { queuePosition } from "#lib/queue/position.ts";
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
const until = (job: StubJob, state: string, timeout = 30_000) =>
  expect.poll(async () => (await stubRow(job)).state, { timeout, interval: 50 }).toBe(state);

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

test("long work makes room for another's short work, gets as much time as it gave, and ends", async () => {
  await start();
  const long = await check("work 3 s", "eve");
  await until(long, "running");
  const short = await preview("work 1 s", "bob");
  await until(short, "succeeded");
  expect(await stubRow(long)).toMatchObject({ state: "running", paused: 1, attempt: 1 });
  await until(long, "succeeded");
  expect(await effectsOf(long, short)).toHaveLength(2);
}, 60_000);

test("who floods the one place with long work and short keeps another from nothing but their turn", async () => {
  await start();
  const flood = [await check("work 30 s", "eve"), await check("work 30 s", "eve")];
  await until(flood[0]!, "running");
  for (let i = 0; i < 6; i++) flood.push(await preview("work 3 s", "eve"));
  await expect.poll(async () => (await stubRow(flood[2]!)).state, { timeout: 20_000 }).toBe("running"); // hers goes in between, too
  const bobs = await preview("work 1 s", "bob");
  await until(bobs, "succeeded");
  const before = await Promise.all(flood.map(stubRow));
  expect(before.filter(({ state }) => state === "succeeded").length).toBeLessThanOrEqual(2); // what was begun, and no more
}, 60_000);

test("long work of who asks for no more goes on beside a flood of long work and short, and at once", async () => {
  await start();
  const flood = [];
  for (let i = 0; i < 4; i++) flood.push(await check("work 30 s", "eve"));
  await until(flood[0]!, "running");
  for (let i = 0; i < 4; i++) flood.push(await preview("work 3 s", "eve"));
  const bobs = await check("work 3 s", "bob");
  await until(bobs, "running", 10_000); // what was begun makes room
  await until(bobs, "succeeded");
  expect(await stubRow(bobs)).toMatchObject({ paused: 0, attempt: 1 });
  const again = await check("work 3 s", "bob");
  await until(again, "succeeded");
  const before = await Promise.all(flood.map(stubRow));
  expect(before.filter(({ state }) => state === "succeeded").length).toBeLessThanOrEqual(3); // short ones, begun between the two
}, 90_000);

test("what is told of the wait is what is waited, within a factor of two", async () => {
  await start();
  const known = await preview("work 1 s", "ann"); // tells how long one takes
  await until(known, "succeeded");
  const eves = [];
  for (let i = 0; i < 6; i++) eves.push(await preview("work 1 s", "eve"));
  const bobs = [await preview("work 1 s", "bob"), await preview("work 1 s", "bob"), await preview("work 1 s", "bob")];
  const asked = performance.now();
  const told = await queuePosition("preview", bobs[2]!.id);
  expect(told!.ahead).toBeLessThanOrEqual(4); // his own, and what stood before
  await expect.poll(async () => (await stubRow(bobs[2]!)).state, { timeout: 40_000, interval: 50 }).not.toBe("queued");
  const waited = (performance.now() - asked) / 1000;
  expect(waited / told!.seconds!).toBeGreaterThan(0.5);
  expect(waited / told!.seconds!).toBeLessThan(2);
}, 90_000);

test("one person's files are read one after the other, and another's beside them at once", async () => {
  await start();
  const upload = (userId: string): Promise<StubJob> => putStub("hold", "hash", "upload", { userId });
  const eves = [await upload("eve"), await upload("eve")];
  await until(eves[0]!, "running");
  const bobs = await upload("bob");
  await until(bobs, "running");
  expect((await Promise.all(eves.map(stubRow))).map(({ state }) => state)).toEqual(["running", "queued"]);
  await release(...eves, bobs);
  for (const job of [...eves, bobs]) await until(job, "succeeded");
}, 60_000);
