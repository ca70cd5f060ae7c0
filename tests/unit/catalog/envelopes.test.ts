import { afterAll, beforeAll, expect, test } from "vitest";
import { anonymous } from "#lib/auth/actor.ts";
import { cancelSubject, getJobTimeline, listJobs, rerunSubject } from "#lib/catalog/jobs/service.ts";
import { envelopeFound } from "#lib/catalog/pairs/envelope-schema.ts";
import { bestSettingOf, getEnvelope, requestEnvelope } from "#lib/catalog/pairs/study-service.ts";
import { recordStudy } from "#lib/catalog/pairs/study-work.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { signedReport } from "#lib/catalog/reports/schema.ts";
import { getReport } from "#lib/catalog/reports/service.ts";
import { reportKeys } from "#lib/catalog/reports/signing-key.ts";
import { trialRows } from "#lib/catalog/reports/values.ts";
import { database } from "#lib/db/client.ts";
import { isAuthentic } from "#lib/pairing/signed-report.ts";
import { loadStudio } from "../../../app/preview/load.ts";
import { claimJob } from "../../support/attempts.ts";
import { at, recordLook } from "../../support/record-look.ts";
import { fillPreviewHub, pairOfBase, type PreviewHub } from "../../support/previews.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let people: PreviewHub;
let id: string;
beforeAll(async () => {
  people = await fillPreviewHub();
  id = await pairOfBase();
});
afterAll(() => hub.close());

const found = envelopeFound.parse({
  version: 1,
  n: 1,
  others: 2,
  steps: 20,
  none: at(0.5),
  byGuidance: [{ guidanceScale: 3, cfg: at(0.7), guide: at(0.6) }],
  bySteps: [{ steps: 20, cfg: at(0.7), guide: at(0.6) }],
  byStrength: [{ strength: 1.25, guide: at(0.65), delivered: at(0.8), isAllowed: true }],
  byCfgSteps: [{ cfgSteps: 2, passes: 22, guide: at(0.66) }],
  cfgGuidance: 3,
  best: { guidanceScale: 3, guideStrength: 1.25, cfgSteps: 2, passes: 22 },
  holds: { guidance: { low: 3, high: 3 }, steps: null },
  found: {
    none: at(0.5),
    cfg: at(0.7),
    guide: at(0.6),
    best: at(0.66),
    againstGuide: at(0.06),
    againstCfg: at(-0.04),
  },
});

test("what was not measured so far that settings can be compared is refused, with the reason, and nothing waits", async () => {
  const refuses = async (sentence: string): Promise<void> => {
    expect((await getEnvelope(people.ann, id, false)).problem).toContain(sentence);
    await expect(requestEnvelope(people.ann, id)).rejects.toMatchObject({
      code: "conflict",
      message: expect.stringContaining(sentence),
    });
  };
  await refuses("not been measured yet");
  await recordLook(id, { n: 16, next: 96 });
  await refuses("read 48 prompts or more");
  await recordLook(id, { n: 48, next: 96, scored: [] });
  await refuses("read 48 prompts or more");
  await recordLook(id, { n: 48, next: 96, verdict: "incompatible" });
  await refuses("does not work here");
  expect(await database().study.count()).toBe(0);
});

test("somebody asks for it, told before what it costs; it waits as theirs in the lane of minutes, once", async () => {
  await recordLook(id, { n: 48, next: 96 });
  const before = await getEnvelope(anonymous, id, false);
  expect(before).toMatchObject({ pair: id, envelope: null, problem: null, cost: { passes: 26_000 } });
  await expect(requestEnvelope(anonymous, id)).rejects.toMatchObject({ code: "unauthenticated" });
  const { envelope } = await requestEnvelope(people.ben, id);
  expect(envelope).toMatchObject({ state: "queued", found: null });
  expect(await requestEnvelope(people.ann, id)).toMatchObject({ envelope: { id: envelope!.id } });
  const jobs = await database().job.findMany({ where: { kind: "envelope" } });
  expect(jobs).toMatchObject([{ subjectId: envelope!.id, lane: "minutes", priority: 100, userId: people.ben.userId }]);
  const { items } = await listJobs(people.ben, { kind: "envelope", mine: true, limit: 10 });
  expect(items).toMatchObject([{ subjectId: envelope!.id, pair: id, guide: "ann/tiny", repo: "ann/storybook" }]);
});

test("it can be cancelled by whoever asked, and asked for again", async () => {
  const { subjectId } = await database().job.findFirstOrThrow({ where: { kind: "envelope" } });
  await cancelSubject(people.ben, subjectId);
  expect((await getEnvelope(people.ben, id, false)).envelope).toMatchObject({ state: "cancelled" });
  await rerunSubject(people.ben, subjectId);
  expect((await getJobTimeline(people.ben, subjectId)).state).toBe("queued");
  expect((await getPair(people.ben, id, false)).envelope).toMatchObject({ id: subjectId, state: "queued" });
});

test("what it found stands in the pair, the signed report and a table; the studio opens at it where nothing else is asked for", async () => {
  const { subjectId } = await database().job.findFirstOrThrow({ where: { kind: "envelope" } });
  const trial = { mode: "guide", guidanceScale: 3, cfgSteps: 2, sampler: "ddim", steps: 20 } as const;
  const raw = {
    prompts: ["a house", "=SUM(A1)", "a tree"],
    trials: [
      { ...trial, guideStrength: 1.25, prompts: "chosen on" as const, kept: [0.5] },
      { ...trial, guideStrength: 1, prompts: "others" as const, kept: [0.75, 1] },
    ],
  };
  expect(await bestSettingOf(people.ben, id)).toBeNull();
  const studio = (more = {}) => loadStudio(people.ben, { finetune: "ann/storybook", guide: "ann/tiny", ...more });
  expect((await studio()).settings).toMatchObject({ guidance: "5", guideStrength: "1", cfgSteps: "0" });

  const attempt = (await claimJob("envelope", subjectId))!;
  const outcome = { result: found, raw, machine: "test", milliseconds: 5 };
  expect(await recordStudy("envelope", subjectId, attempt - 1, outcome)).toBe(false);
  expect(await recordStudy("envelope", subjectId, attempt, outcome)).toBe(true);

  const answer = await getEnvelope(people.ben, id, true);
  expect(answer.envelope).toMatchObject({ state: "succeeded", found, raw });
  expect((await getPair(people.ben, id, false)).envelope).not.toHaveProperty("raw");
  expect([...trialRows(answer)].slice(1)).toEqual([
    ["guide", 3, 1.25, 2, "ddim", 20, "chosen on", "a house", 0.5],
    ["guide", 3, 1, 2, "ddim", 20, "others", "=SUM(A1)", 0.75],
    ["guide", 3, 1, 2, "ddim", 20, "others", "a tree", 1],
  ]);
  await recordLook(id, { n: 384, next: null }); // what came of the plan since changes nothing of it
  const signed = signedReport.parse(JSON.parse(JSON.stringify(await getReport(people.ann, id))));
  expect(await isAuthentic(signed, await reportKeys())).toBe(true);
  expect(signed.report.pair.envelope).toMatchObject({ found, raw });
  const { envelope: _envelope, ...older } = signed.report.pair;
  expect(signedReport.shape.report.parse({ ...signed.report, pair: older }).pair.envelope).toBeNull();

  const opened = await studio();
  expect(opened.settings).toMatchObject({ guidance: "3", guideStrength: "1.25", cfgSteps: "2" });
  expect(opened.best).toEqual({ ...found.best, pair: id });
  const asked = await studio({ guidance: 6, cfgSteps: 0, guideStrength: 1 });
  expect(asked.settings).toMatchObject({ guidance: "6", guideStrength: "1", cfgSteps: "0" });

  await database().pair.delete({ where: { id } });
  expect(await database().study.count()).toBe(0);
  expect(await database().job.count({ where: { kind: "envelope" } })).toBe(0);
});
