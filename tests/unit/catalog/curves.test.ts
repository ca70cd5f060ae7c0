import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { curveFound } from "#lib/catalog/pairs/curve-schema.ts";
import { getStudyCheck, recordStudy } from "#lib/catalog/pairs/study-work.ts";
import { cancelSubject, listJobs, rerunSubject } from "#lib/catalog/jobs/service.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { signedReport } from "#lib/catalog/reports/schema.ts";
import { getReport } from "#lib/catalog/reports/service.ts";
import { reportKeys } from "#lib/catalog/reports/signing-key.ts";
import { wayRows } from "#lib/catalog/reports/values.ts";
import { database } from "#lib/db/client.ts";
import { isAuthentic } from "#lib/pairing/signed-report.ts";
import { claimJob } from "../../support/attempts.ts";
import { recordLook } from "../../support/record-look.ts";
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

const curveJob = () => database().job.findFirst({ where: { kind: "curve" } });

test("a curve is asked for when the plan has ended, of enough prompts: as a batch that makes room for everything else", async () => {
  await recordLook(id, { n: 16, next: null });
  expect(await curveJob()).toBeNull();
  await recordLook(id, { n: 48, next: 96 });
  expect(await curveJob()).toBeNull();
  expect((await getPair(people.ann, id, true)).curve).toBeNull();
  await recordLook(id, { n: 96, next: null });
  expect(await curveJob()).toMatchObject({ state: "queued", priority: 0, lane: "hours", resource: "compute" });
  expect((await getPair(people.ann, id, false)).curve).toMatchObject({ state: "queued", found: null });
  expect((await getPair(people.ann, id, false)).state).toBe("succeeded");
});

test("it can be cancelled and asked for again, and its job leads to its pair", async () => {
  const { subjectId } = (await curveJob())!;
  const { items } = await listJobs(people.ann, { kind: "curve", mine: false, limit: 10 });
  expect(items).toMatchObject([{ subjectId, pair: id, guide: "ann/tiny", repo: "ann/storybook" }]);
  expect(await cancelSubject(people.ann, subjectId)).toMatchObject({ state: "cancelled" });
  expect((await getPair(people.ann, id, false)).curve!.state).toBe("cancelled");
  await rerunSubject(people.ann, subjectId);
  expect(await database().job.findMany({ where: { kind: "curve" } })).toMatchObject([{ subjectId, state: "queued" }]);
});

test("what it found is written by who holds the attempt, and stands in the signed report and in a table", async () => {
  const { subjectId } = (await curveJob())!;
  expect((await getStudyCheck("curve", subjectId)).guide.name).toBe("tiny");
  const path = new URL("../../support/curve-of-watercolor.json", import.meta.url);
  const result = curveFound.parse(JSON.parse(await readFile(path, "utf8")));
  const way = { mode: "cfg", guidanceScale: 5, cfgSteps: 0, sampler: "ddim", steps: 10 } as const;
  const raw = { prompts: ["a house", "=SUM(A1)"], ways: [{ ...way, kept: [0.5, 1], distance: [0.25, 0.75] }] };
  const attempt = (await claimJob("curve", subjectId))!;
  const outcome = { result, raw, machine: "test", milliseconds: 5 };
  expect(await recordStudy("curve", subjectId, attempt - 1, outcome)).toBe(false);
  expect((await getPair(people.ann, id, true)).curve!.found).toBeNull();
  expect(await recordStudy("curve", subjectId, attempt, outcome)).toBe(true);

  const view = await getPair(people.ann, id, true);
  expect(view.curve).toMatchObject({ state: "succeeded", found: result, raw });
  expect((await getPair(people.ann, id, false)).curve).not.toHaveProperty("raw");
  const signed = signedReport.parse(JSON.parse(JSON.stringify(await getReport(people.ann, id))));
  expect(await isAuthentic(signed, await reportKeys())).toBe(true);
  expect(signed.report.pair.curve).toMatchObject({ found: result, raw });
  const { curve: _curve, ...older } = signed.report.pair;
  expect(signedReport.shape.report.parse({ ...signed.report, pair: older }).pair.curve).toBeNull();
  expect([...wayRows(view)].slice(1)).toEqual([
    ["cfg", 5, 0, "ddim", 10, "a house", 0.5, 0.25],
    ["cfg", 5, 0, "ddim", 10, "=SUM(A1)", 1, 0.75],
  ]);

  await recordLook(id, { n: 96, next: null });
  expect((await curveJob())!.state).toBe("succeeded"); // it is measured once
  await database().pair.delete({ where: { id } });
  expect([await database().study.count(), await curveJob()]).toEqual([0, null]);
});
