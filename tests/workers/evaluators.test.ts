import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { installEvaluator, listEvaluators, removeEvaluator } from "#lib/catalog/evaluators/service.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { getPair, listPairs } from "#lib/catalog/pairs/views.ts";
import { getReport } from "#lib/catalog/reports/service.ts";
import { deleteRepo, updateRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import { newPerson } from "../support/actors.ts";
import { baseFiles, drawOnly, type Files, letJudge, newRepoWith, starterFiles, workOff } from "../support/evidence.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
const PICTURES = 2;
let ann: Person;
let bob: Person;
let operator: Person;

const golden = (path: string): Promise<Buffer> =>
  readFile(fileURLToPath(new URL(`../golden/clip/${path}`, import.meta.url)));
/** A whole CLIP of a few kilobytes, in the layout of transformers. */
async function clipFiles(): Promise<Files> {
  const own = ["config.json", "model.safetensors", "preprocessor_config.json"];
  const words = ["vocab.json", "merges.txt", "tokenizer_config.json", "special_tokens_map.json"];
  return Object.fromEntries([
    ...(await Promise.all(own.map(async (name) => [name, await golden(`quick-gelu/${name}`)]))),
    ...(await Promise.all(words.map(async (name) => [name, await golden(`tokenizer/${name}`)]))),
  ]) as Files;
}

beforeAll(async () => {
  [ann, bob] = [await newPerson("ann"), await newPerson("bob")];
  operator = { ...(await newPerson("olga")), isOperator: true };
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await workOff("inspect");
});
afterAll(() => hub.close());

const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable(),
    (failure: AppError) => failure,
  );
const pairsOf = async () => (await listPairs(anonymous, { limit: 30 })).items;
const factsOf = async (commitId: string) => (await findInspection(commitId))!;

describe("an evaluator", () => {
  test("is told by its files, a network of attributes or a whole CLIP, and belongs in a repo of its kind", async () => {
    const clip = await newRepoWith(bob, { name: "clip", kind: "evaluator" }, await clipFiles());
    const half = await newRepoWith(
      bob,
      { name: "half", kind: "evaluator" },
      { ...(await clipFiles()), "preprocessor_config.json": "{}" },
    );
    const misplaced = await newRepoWith(bob, { name: "misplaced", kind: "guide" }, await starterFiles("evaluator"));
    const guide = await newRepoWith(bob, { name: "guide", kind: "evaluator" }, await starterFiles("guide-tiny"));
    await workOff("inspect");
    const { facts, weightsSha256, contract } = await factsOf(clip.commitId);
    expect(facts).toMatchObject({ kind: "CLIP folder", runs: true, problems: [], evaluator: { kind: "clip" } });
    expect(facts!.files.map(({ role }) => role)).toEqual([
      "clip",
      "config.json",
      "merges.txt",
      "preprocessor_config.json",
      "special_tokens_map.json",
      "tokenizer_config.json",
      "vocab.json",
    ]);
    expect([weightsSha256?.length, contract]).toEqual([64, null]);
    expect((await factsOf(half.commitId)).facts).toMatchObject({ kind: "CLIP folder", runs: false, evaluator: null });
    expect((await factsOf(misplaced.commitId)).facts).toMatchObject({
      runs: false,
      problems: ["This repo is a guide, and what is in it is an evaluator; put it into a repo of its own kind."],
    });
    expect((await factsOf(guide.commitId)).facts!.problems[0]).toMatch(/^This repo is an evaluator, and what is in it/);
  });

  test("judges when an operator says so, and what lies in a base decides nothing", async () => {
    await newRepoWith(ann, { name: "watercolor", kind: "finetune" }, await starterFiles("watercolor"));
    await newRepoWith(ann, { name: "tiny", kind: "guide" }, await starterFiles("guide-tiny"));
    await workOff("inspect");
    expect((await pairsOf()).map(({ protocol }) => protocol)).toEqual(["v4-e0", "v4-e0"]);

    const asked = { repo: "bob/clip", revision: "HEAD", bases: [] };
    expect((await failureOf(installEvaluator(bob, asked))).code).toBe("forbidden");
    expect((await failureOf(installEvaluator(anonymous, asked))).code).toBe("unauthenticated");
    expect((await failureOf(installEvaluator(operator, { ...asked, repo: "bob/half" }))).code).toBe(
      "unsupported_model",
    );
    expect((await failureOf(installEvaluator(operator, { ...asked, repo: "ann/tiny" }))).message).toMatch(
      /^ann\/tiny is a guide, and judges nothing; /,
    );
    expect((await failureOf(installEvaluator(operator, { ...asked, bases: ["ann/tiny"] }))).message).toMatch(
      /not a base/,
    );
    const { id } = await installEvaluator(operator, asked);
    await installEvaluator(operator, asked); // the same bytes once more replace it
    const installed = await listEvaluators(anonymous);
    expect(installed).toMatchObject([{ repo: "bob/clip", kind: "clip", bases: [], problem: null }]);
    expect(installed[0]!.id).not.toBe(id);
    expect(
      await database().outbox.findMany({
        where: { kind: { startsWith: "evaluator." } },
        orderBy: { id: "asc" },
        select: { kind: true, actorId: true, subjectId: true },
      }),
    ).toEqual(
      [id, installed[0]!.id].map((subjectId) => ({ kind: "evaluator.install", actorId: operator.userId, subjectId })),
    );
    expect((await pairsOf()).map(({ stale }) => stale)).toEqual(
      Array.from({ length: 2 }, () => expect.stringMatching(/by other evaluators/)),
    );
  });

  test("of latents says whose it reads", async () => {
    await newRepoWith(bob, { name: "attributes", kind: "evaluator" }, await starterFiles("evaluator"));
    await workOff("inspect");
    const asked = { repo: "bob/attributes", revision: "HEAD", bases: [] };
    expect((await failureOf(installEvaluator(operator, asked))).message).toMatch(/name the bases that it judges/);
  });
});

describe("two of them", () => {
  let pair: PairView;

  test("read the same pictures, and a word needs both", async () => {
    await letJudge(ann, ["ann/storybook"]);
    const { id } = await requestCheck(ann, { finetune: "ann/watercolor", guide: "ann/tiny" });
    const waiting = await database().pair.findMany({ where: { state: "queued", NOT: { id } }, select: { id: true } });
    for (const one of waiting) await database().pair.update({ where: { id: one.id }, data: { state: "cancelled" } });
    await drawOnly(PICTURES);
    await workOff("check");
    pair = await getPair(anonymous, id, true);
    expect(pair).toMatchObject({ state: "succeeded", problem: null, verdict: "inconclusive", stale: null });
    expect(pair.protocol).toMatch(/^v4-e[0-9a-f]{12}\.[0-9a-f]{12}$/);
    expect(pair.reasons[0]).toMatch(/^2 evaluators read the same pictures, and agree: /);
    const used = pair.measured!.evaluators.toSorted((a, b) => (a.kind < b.kind ? -1 : 1));
    expect(used).toMatchObject([
      {
        kind: "attributes",
        repo: "ann/evaluator",
        verdict: "inconclusive",
        silence: null,
        fidelity: { cfg: { n: 2 } },
      },
      { kind: "clip", repo: "bob/clip", verdict: "inconclusive", silence: null, fidelity: { cfg: { n: 2 } } },
    ]);
    expect(used[0]!.testedOn).toMatch(/measured by the makers of the starter collection, on rendered scenes/);
    expect(used[1]!.testedOn).toMatch(/was not measured here/);
    const raw = pair.measurements.find(({ level }) => level === 4)!.raw as { others: object[] }[];
    expect(raw.map(({ others }) => others.length)).toEqual([1, 1]);
  });

  test("are named in the report by repo, commit and all their files", async () => {
    const { report } = await getReport(anonymous, pair.id);
    expect(report.sources.evaluators.map((source) => source?.repo).toSorted()).toEqual(["ann/evaluator", "bob/clip"]);
    const clip = report.sources.evaluators.find((source) => source?.repo === "bob/clip")!;
    expect(clip.files.map(({ path }) => path).toSorted()).toEqual(Object.keys(await clipFiles()).toSorted());
  });

  test("one that is taken out leaves what it measured, which is stale then", async () => {
    const clip = (await listEvaluators(anonymous)).find(({ kind }) => kind === "clip");
    expect((await failureOf(removeEvaluator(bob, clip!.id))).code).toBe("forbidden");
    await removeEvaluator(operator, clip!.id);
    expect((await failureOf(removeEvaluator(operator, clip!.id))).code).toBe("not_found");
    const after = await getPair(anonymous, pair.id, true);
    expect(after).toMatchObject({
      state: "succeeded",
      verdict: "inconclusive",
      stale: expect.stringMatching(/other evaluators/),
    });
    expect(after.measured).toEqual(pair.measured);
  });

  test("a style that the network of attributes was not tested on is not measured by it", async () => {
    const lora = { name: "neon", kind: "finetune" as const };
    await newRepoWith(ann, lora, await starterFiles("neon-lora"));
    await workOff("inspect");
    const { id } = await requestCheck(ann, { finetune: "ann/neon", guide: "ann/tiny", loraStrength: 0.5 });
    await database().pair.updateMany({ where: { state: "queued", NOT: { id } }, data: { state: "cancelled" } });
    await drawOnly(PICTURES);
    await workOff("check");
    const view = await getPair(anonymous, id, false);
    expect(view).toMatchObject({ state: "succeeded", verdict: "notMeasured", measured: { fidelity: null } });
    expect(view.reasons[0]).toMatch(
      /^The automatic judge was never tested on this style, so nothing that it reads counts/,
    );
    expect(view.measured!.evaluators).toMatchObject([
      { verdict: null, silence: expect.stringMatching(/never tested/) },
    ]);
  });

  test("of one that became private or was deleted while a pair waited for it, the pair says so", async () => {
    const asked = { finetune: "ann/storybook", guide: "ann/tiny" };
    const { id } = await requestCheck(ann, asked);
    await updateRepo(ann, { owner: "ann", repo: "evaluator" }, { visibility: "private" });
    await workOff("check");
    expect((await getPair(ann, id, false)).problem).toMatch(
      /^An evaluator that was to judge this .* deleted or made private/,
    );
    expect(await listEvaluators(anonymous)).toMatchObject([
      { repo: null, problem: expect.stringMatching(/is private/) },
    ]);
    expect((await requestCheck(ann, asked)).protocol).toBe("v4-e0"); // which judges no more
    await deleteRepo(ann, { owner: "ann", repo: "evaluator" });
    expect(await listEvaluators(theHub)).toMatchObject([{ repo: null, problem: expect.stringMatching(/was deleted/) }]);
    expect((await getPair(anonymous, pair.id, false)).measured!.evaluators.map(({ repo }) => repo).toSorted()).toEqual([
      "bob/clip",
      null,
    ]);
  });
});

test("evidence of before evaluators had repos is named by its bytes", async () => {
  const [any] = await database().pair.findMany({ where: { state: "succeeded", verdict: "inconclusive" } });
  const { measured, request } = any!.summary as { measured: { evaluatorSha256: string }; request: object };
  const { evaluators: _new, ...old } = measured as { evaluators?: unknown; evaluatorSha256: string };
  await database().pair.update({ where: { id: any!.id }, data: { summary: { request, measured: old } as object } });
  const [one, ...more] = (await getPair(ann, any!.id, false)).measured!.evaluators;
  expect(more).toEqual([]);
  expect(one).toMatchObject({ sha256: measured.evaluatorSha256, commit: expect.stringMatching(/^[0-9a-f]{40}$/) });
});
