import { afterAll, beforeAll, expect, test } from "vitest";
import { anonymous, hub as itself, type Person } from "#lib/auth/actor.ts";
import { measureAnew, stalePairs } from "#lib/catalog/pairs/reruns.ts";
import { getPair, listPairs } from "#lib/catalog/pairs/views.ts";
import { rerunUse } from "#lib/catalog/quotas/rerun-use.ts";
import { setQuota, showQuota } from "#lib/catalog/quotas/service.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../../support/actors.ts";
import { forgetJobs } from "../../support/attempts.ts";
import { baseFiles, newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { nothingMeasured } from "../../support/nothing-measured.ts";
import { useTempHub } from "../../support/temp-hub.ts";

// Evidence of before, on real files: it stays, is told as what it is, and the hub measures anew what people use most.

const hub = await useTempHub({ GUIDEPOST_RERUN_TIME: "60s" });
let ann: Person;

beforeAll(async () => {
  ann = await newPerson("ann");
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await newRepoWith(ann, { name: "tiny", kind: "guide" }, await starterFiles("guide-tiny"));
  for (const style of ["neon", "clay", "pixel"])
    await newRepoWith(ann, { name: style, kind: "finetune" }, await starterFiles(`${style}-lora`));
  await workOff("inspect");
  await forgetJobs("compute");
  const summary = { request: { pictures: 48 }, measured: nothingMeasured };
  await database().$executeRaw`UPDATE pair SET state = 'running', attempt = 1`;
  await database().$executeRaw`
    UPDATE pair SET state = 'succeeded', protocol = 'v2-e831b29eef3b2-p0', period = NULL, verdict = 'inconclusive', measured_at = now() - interval '2 days',
      reasons = ARRAY['It may recover something, by the words of then.'], summary = ${summary}`;
  for (const [name, downloads] of [
    ["clay", 900],
    ["neon", 50],
    ["storybook", 10],
  ] as const)
    await database().repo.updateMany({ where: { name }, data: { downloads } });
}, 300_000);
afterAll(() => hub.close());

const statesOf = async () =>
  Object.fromEntries(
    (await listPairs(anonymous, { limit: 50 })).items.map(({ finetune, protocol, state, verdict, stale }) => [
      `${finetune.repo} ${protocol.slice(0, 2)}`,
      { state, verdict, stale },
    ]),
  );
const earlier = {
  state: "succeeded",
  verdict: "inconclusive",
  stale: expect.stringContaining("by an earlier protocol") as string,
};

test("old evidence keeps its word, and is told as that of then", async () => {
  const all = await statesOf();
  expect(Object.keys(all).toSorted()).toEqual(["ann/clay v2", "ann/neon v2", "ann/pixel v2", "ann/storybook v2"]);
  expect(Object.values(all)).toEqual([earlier, earlier, earlier, earlier]);
  const { id } = (await listPairs(anonymous, { limit: 1 })).items[0]!;
  expect(await getPair(anonymous, id, true)).toMatchObject({
    period: null,
    reasons: ["It may recover something, by the words of then."],
    measured: { protocol: { version: 2, pictureSeed: 77 } },
  });
});

test("what is used most is measured anew first, little at a time, behind everybody's work", async () => {
  expect(await stalePairs(10)).toEqual(
    ["clay", "neon", "storybook", "pixel"].map((name) => ({ finetune: `ann/${name}`, guide: "ann/tiny" })),
  );
  expect(await measureAnew()).toBe(2);
  expect(await measureAnew()).toBe(0);
  expect(await rerunUse()).toEqual({ used: 0, limit: 60, isOwn: false, open: 2 });
  const queued = { state: "queued", verdict: "notMeasured", stale: null };
  expect(await statesOf()).toMatchObject({ "ann/clay v4": queued, "ann/neon v4": queued, "ann/clay v2": earlier });
  const jobs = await database().job.findMany({ where: { kind: "check", state: "queued" } });
  expect(jobs.map(({ priority, userId }) => [priority, userId])).toEqual([
    [0, null],
    [0, null],
  ]);
});

test("and no more in a day than the operator allows", async () => {
  const rerun = { isRerun: true };
  await database().$executeRaw`UPDATE pair SET state = 'running', attempt = 1 WHERE is_rerun`;
  await database().pair.updateMany({ where: rerun, data: { state: "failed", problem: "For a test." } });
  const [one] = await database().pair.findMany({ where: rerun });
  await database().pair.update({ where: { id: one!.id }, data: { measuredAt: new Date() } });
  const level = { pairId: one!.id, attempt: 1, n: 48, raw: {}, machine: "test" };
  await database().measurement.create({ data: { ...level, level: 4, milliseconds: 59_000 } });
  expect(await rerunUse()).toEqual({ used: 59, limit: 60, isOwn: false, open: 0 });
  await database().measurement.create({ data: { ...level, level: 2, milliseconds: 2_000 } });
  expect(await measureAnew()).toBe(0);
  const yesterday = new Date(Date.now() - 25 * 3_600_000);
  await database().pair.update({ where: { id: one!.id }, data: { measuredAt: yesterday } });
  expect(await measureAnew()).toBe(2);
  expect(await stalePairs(10)).toEqual([]); // what failed is not asked for again and again
});

test("an operator sets that budget with all other limits: as what the hub itself may have", async () => {
  await database().namespace.create({ data: { kind: "organisation", name: "guidepost" } });
  const { deviceSeconds: before } = await showQuota("guidepost");
  expect(before).toMatchObject({ limit: 60, isOwn: false });
  expect(await setQuota(itself, "guidepost", { deviceSeconds: 0 })).toMatchObject({
    jobs: null,
    deviceSeconds: { limit: 0, isOwn: true },
  });
  expect(await rerunUse()).toMatchObject({ limit: 0, isOwn: true });
  expect(await measureAnew()).toBe(0);
  expect((await setQuota(itself, "guidepost", { deviceSeconds: null })).deviceSeconds).toEqual(before);
  await expect(showQuota("ann")).resolves.toMatchObject({ deviceSeconds: { isOwn: false } });
});

test("evidence of another kind of processor stays in every list, as that", async () => {
  await database()
    .$executeRaw`UPDATE pair SET runtime = 'cuda-f32', protocol = 'v4-e831b29eef3b2' WHERE protocol LIKE 'v2-%'`;
  const { items } = await listPairs(anonymous, { limit: 50 });
  const onCards = items.filter(({ runtime }) => runtime === "cuda-f32");
  expect(onCards).toHaveLength(4);
  for (const { stale, verdict } of onCards) {
    expect(stale).toMatch(/another kind of processor/);
    expect(verdict).toBe("inconclusive");
  }
});
