import { afterAll, beforeAll, expect, test } from "vitest";
import { anonymous } from "#lib/auth/actor.ts";
import { recordOutcome } from "#lib/catalog/pairs/work.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { signedReport } from "#lib/catalog/reports/schema.ts";
import { getReport } from "#lib/catalog/reports/service.ts";
import { deriveSigningKey, reportKeys } from "#lib/catalog/reports/signing-key.ts";
import { valueRows } from "#lib/catalog/reports/values.ts";
import { keepPeriods } from "#lib/catalog/periods/service.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { isAuthentic, signReport } from "#lib/pairing/signed-report.ts";
import { claimJob } from "../../support/attempts.ts";
import { nothingMeasured } from "../../support/nothing-measured.ts";
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

const values = [
  { prompt: "a red house, and a tree", conditional: 0.5, guide: 0.75, cfg: 1 },
  { prompt: "=SUM(A1)", conditional: 0.25, guide: 0.5, cfg: 0.5 },
];

test("there is nothing to sign before it has been measured", async () => {
  await expect(getReport(people.ann, id)).rejects.toMatchObject({ code: "conflict" });
});

test("a report holds every value, and anybody can check with the hub's keys who said so", async () => {
  const attempt = (await claimJob("check", id))!;
  await recordOutcome(
    id,
    attempt,
    {
      verdict: "notMeasured",
      reasons: ["For a test."],
      summary: { request: { pictures: 48 }, measured: nothingMeasured },
      levels: [{ level: 4, n: 2, raw: values, milliseconds: 5 }],
      next: null,
      prompts: [],
      machine: "test",
    },
    async () => {},
  );
  const told = (await getReport(people.ann, id)).report.pair.measurements.find(({ level }) => level === 4)!.raw;
  expect(told).toEqual(values.map((value, i) => ({ ...value, prompt: `#${i + 1}` }))); // no prompt before its period is over
  await keepPeriods(new Date(Date.now() + 9 * 86_400_000));
  const sent = JSON.parse(JSON.stringify(await getReport(people.ann, id))) as object;
  const signed = signedReport.parse(sent);
  expect(await isAuthentic(signed, await reportKeys())).toBe(true);
  expect(signed.report.pair.measurements.find(({ level }) => level === 4)?.raw).toEqual(values);
  expect(signed.report).toMatchObject({ page: `http://localhost:3000/pairs/${id}`, isByOwner: false });
  expect([...valueRows(await getPair(people.ann, id, true))]).toEqual([
    Object.keys(values[0]!),
    ...values.map((row) => Object.values(row)),
  ]);
});

test("of several evaluators the table has a column for each mode of each", () => {
  const others = [{ conditional: 0.1, guide: 0.2, cfg: 0.3 }];
  const measurements = [
    { level: 4, n: 2, machine: "", milliseconds: 0, raw: values.map((row) => ({ ...row, others })) },
  ];
  const [head, first] = [...valueRows({ measurements })];
  expect(head!.slice(4)).toEqual(["evaluator 2, cfg", "evaluator 2, conditional", "evaluator 2, guide"]);
  expect(first!.slice(4)).toEqual([0.3, 0.1, 0.2]);
});

test("what was signed with an earlier secret can be checked as long as the hub lives", async () => {
  const old = await deriveSigningKey("the secret that this hub had a year ago, and lost");
  const signed = await signReport({ anything: 1 }, old.privateKey, old.publicKey);
  expect(await isAuthentic(signed, await reportKeys())).toBe(false);
  await database().reportKey.create({ data: { id: old.publicKey.kid, x: old.publicKey.x! } });
  expect(await isAuthentic(signed, await reportKeys())).toBe(true);
});

test("it says whose the parts are, and what their licences allow together", async () => {
  await database().repo.updateMany({ where: { name: "storybook" }, data: { license: "cc-by-nc-4.0" } });
  await database().repo.updateMany({ where: { name: "tiny" }, data: { license: "mit" } });
  await database().user.update({ where: { id: people.ann.userId }, data: { isOperator: true } });
  const { report } = await getReport(people.ann, id);
  await database().user.update({ where: { id: people.ann.userId }, data: { isOperator: false } });
  expect(report.isByOwner).toBe(true);
  expect(report.licences).toEqual({
    parts: [
      { repo: "ann/storybook", licence: "cc-by-nc-4.0", terms: "no commercial use" },
      { repo: "ann/tiny", licence: "mit", terms: "anything" },
    ],
    together: ["Not for commercial use: ann/storybook (cc-by-nc-4.0)."],
  });
});

test("of what somebody may not see they get no report", async () => {
  await database().repo.updateMany({ where: { name: "storybook" }, data: { visibility: "private" } });
  const failure = await getReport(anonymous, id).catch((one: unknown) => one);
  await database().repo.updateMany({ where: { name: "storybook" }, data: { visibility: "public" } });
  expect(failure).toBeInstanceOf(AppError);
  expect(failure).toMatchObject({ code: "not_found" });
  expect((await getReport(anonymous, id)).report.pair.id).toBe(id);
});
