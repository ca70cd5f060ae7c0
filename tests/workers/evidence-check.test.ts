import { readdir, readFile } from "node:fs/promises";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { z } from "zod";
import { anonymous, type Actor, type Person } from "#lib/auth/actor.ts";
import { listFits, listGuides } from "#lib/catalog/pairs/partners.ts";
import { cancelPair, requestCheck } from "#lib/catalog/pairs/service.ts";
import type { PairItem } from "#lib/catalog/pairs/schema.ts";
import { getPair, listPairs } from "#lib/catalog/pairs/views.ts";
import { getCheck, type Outcome, recordOutcome } from "#lib/catalog/pairs/work.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { wasTrainedOn } from "#lib/measure/unseen/trained-words.ts";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import * as operations from "#lib/http/operations/evidence.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { checkHandler } from "#workers/hub/handlers/check.ts";
import { createModels } from "#workers/hub/models.ts";
import { newPerson, tokenOf } from "../support/actors.ts";
import { alteredFile } from "../support/altered-model.ts";
import { baseFiles, letJudge, commitFiles, drawOnly, newRepoWith, starterFiles, workOff } from "../support/evidence.ts";
import { starter } from "../support/golden.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { Visitor } from "../support/visitor.ts";
import { GET as getInspectionRoute } from "../../app/api/v1/repos/[owner]/[repo]/inspection/route.ts";
import { GET as listFitsRoute } from "../../app/api/v1/repos/[owner]/[repo]/fits/route.ts";
import { GET as listGuidesRoute } from "../../app/api/v1/repos/[owner]/[repo]/guides/route.ts";
import { GET as getPairRoute } from "../../app/api/v1/pairs/[id]/route.ts";
import { POST as cancelPairRoute } from "../../app/api/v1/pairs/[id]/cancel/route.ts";
import { GET as listPairsRoute, POST as requestCheckRoute } from "../../app/api/v1/pairs/route.ts";
import { progressOf } from "#lib/queue/progress.ts";
import { claimJob, failJob, runJob } from "../support/attempts.ts";
import { nothingMeasured } from "../support/nothing-measured.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
const PICTURES = 4;
let ann: Person;
let bob: Person;
let watercolor: RepoItem;
let tiny: RepoItem;
/** The pair that is measured to the end. */
let measured: string;

beforeAll(async () => {
  [ann, bob] = [await newPerson("ann"), await newPerson("bob")];
  await newRepoWith(ann, { name: "storybook", kind: "base" }, await baseFiles());
  await letJudge(ann, ["ann/storybook"]);
  tiny = (await newRepoWith(ann, { name: "guide-tiny", kind: "guide" }, await starterFiles("guide-tiny"))).repo;
  watercolor = (await newRepoWith(ann, { name: "watercolor", kind: "finetune" }, await starterFiles("watercolor")))
    .repo;
  await workOff("inspect");
});
afterAll(async () => {
  await closeQueue();
  await hub.close();
});

const page = { limit: 30 };
const nameOf = ({ owner, name }: RepoItem) => ({ owner, repo: name });
const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable(),
    (failure: AppError) => failure,
  );
const pairOf = async (finetune: string, guide: string, actor: Actor = ann) =>
  (await listPairs(actor, { finetune, guide, ...page })).items;
const stateOf = async (id: string) => ({
  ...(await database().pair.findUniqueOrThrow({
    where: { id },
    select: { state: true, attempt: true, verdict: true, problem: true, summary: true },
  })),
  progress: (await progressOf("check", [id])).get(id) ?? null,
});

async function measure(id: string): Promise<void> {
  const models = createModels();
  await runJob(checkHandler, "check", id, (await claimJob("check", id))!, { models });
  models.close();
}

async function jobOf(id: string): Promise<{ priority: number; group_id: string | null }> {
  const [job] = await database().$queryRaw<
    [{ priority: number; group_id: string | null }]
  >`SELECT priority, user_id AS group_id FROM job WHERE subject_id = ${id}::uuid`;
  return job;
}

describe("a guide on a fine-tune", () => {
  let id: string;

  test("waits, seen by everybody", async () => {
    const [pair] = await pairOf("ann/watercolor", "ann/guide-tiny", anonymous);
    measured = id = pair!.id;
    expect(pair).toMatchObject({
      finetune: { repo: "ann/watercolor" },
      guide: { repo: "ann/guide-tiny" },
      state: "queued",
      verdict: "notMeasured",
      stale: null,
      runtime: "cpu-f32",
    });
    expect(pair!.protocol).toBe("v4-e831b29eef3b2");
    expect((await getPair(anonymous, id, false)).queue).toMatchObject({ ahead: expect.any(Number), workers: 0 });
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { repo: "ann/guide-tiny", pair: id, state: "queued" },
    ]);
  });

  test("is measured, with progress, and says what everything rests on", async () => {
    const [onBase] = await pairOf("ann/storybook", "ann/guide-tiny");
    await cancelPair(ann, onBase!.id); // a test has no minute to spare
    await drawOnly(PICTURES);
    const seen = new Set<string>();
    const watching = setInterval(
      () => void stateOf(id).then(({ progress }) => progress && seen.add((progress as { stage: string }).stage)),
      50,
    );
    await workOff("check");
    clearInterval(watching);
    expect([...seen]).toEqual(expect.arrayContaining(["agreement", "pictures"]));

    const view = await getPair(anonymous, id, false);
    expect(view).toMatchObject({
      state: "succeeded",
      progress: null,
      queue: null,
      n: PICTURES,
      problem: null,
      stale: null,
      measuredAt: expect.any(String),
    });
    expect(view.reasons.length).toBeGreaterThan(0);
    const { lineage, agreement, fidelity, cost, evaluatorSha256, files, runtime, protocol } = view.measured!;
    expect(lineage).toMatchObject({
      band: "derived",
      medianCosine: expect.closeTo(0.994, 2),
      guideNamesThisBase: true,
    });
    expect(agreement!.byGuidance.map(({ guidanceScale, fvu }) => [guidanceScale, fvu.n])).toEqual(
      [2.75, 4.5, 6.25, 8].map((scale) => [scale, PICTURES]),
    );
    expect(fidelity).toMatchObject({ domain: "watercolor", cfg: { n: PICTURES } });
    expect(cost!.againstCfg).toBeCloseTo(0.505, 3);
    expect(evaluatorSha256).toMatch(/^831b29eef3b2/);
    expect(
      files.filter(({ role }) => role === "unet" || role === "guide").map(({ sha256 }) => sha256.slice(0, 12)),
    ).toEqual(["8ca2dbdbaabf", "ccc4a15677d5"]);
    expect(runtime).toMatchObject({ name: "onnxruntime-node", provider: "cpu", threads: 2 });
    expect(protocol).toMatchObject({ version: 4, sampler: "ddim", steps: 20, guidanceScale: 5 });
    expect(view.measurements.map(({ level, n }) => [level, n])).toEqual([
      [0, 1],
      [1, lineage!.tensors],
      [2, PICTURES],
      [4, PICTURES],
      [5, 1],
    ]);
    expect(view.measurements.every(({ raw }) => raw === undefined)).toBe(true);

    const raw = (await getPair(anonymous, id, true)).measurements.find(({ level }) => level === 4)!.raw as {
      prompt: string;
      cfg: number;
    }[];
    expect(raw).toHaveLength(PICTURES);
    expect(raw.map(({ prompt }) => prompt)).toEqual(Array.from({ length: PICTURES }, (_, i) => `#${i + 1}`)); // not told yet
    const kept = await database().measurement.findFirstOrThrow({ where: { pairId: id, level: 4 } });
    const words = { backgrounds: ["in a meadow", "in the desert", "at sea", "in the snow", "at night", "at sunset"] };
    for (const { prompt } of kept.raw as { prompt: string }[]) {
      expect(prompt).toMatch(/^a (?:small|big) \w+ \w+ and a (?:small|big) \w+ \w+ /);
      expect(wasTrainedOn(prompt, words.backgrounds)).toBe(false);
    }
    expect(await readdir(`${hub.folder}/cache/teacher`)).not.toEqual([]); // what the model does alone, for other guides
    const left = await readdir(`${hub.folder}/cache/folders`, { recursive: true, withFileTypes: true });
    expect(left.filter((entry) => !entry.isDirectory())).toEqual([]);
  });

  test("is shown on the pages of both", async () => {
    const [guide] = (await listGuides(anonymous, nameOf(watercolor), page)).items;
    expect(guide).toMatchObject({ repo: "ann/guide-tiny", state: "measured", pair: id, stale: null, n: PICTURES });
    const fits = (await listFits(anonymous, nameOf(tiny), page)).items;
    expect(fits.map(({ repo, state }) => [repo, state]).toSorted()).toEqual([
      ["ann/storybook", "cancelled"],
      ["ann/watercolor", "measured"],
    ]);
    expect((await failureOf(listFits(anonymous, nameOf(watercolor), page))).code).toBe("bad_request");
  });

  test("is not measured twice", async () => {
    expect((await requestCheck(bob, { finetune: "ann/watercolor", guide: "ann/guide-tiny" })).id).toBe(id);
    // The same weights in a repo of somebody else have the same evidence.
    await newRepoWith(
      bob,
      { name: "copy", kind: "finetune" },
      { ...(await starterFiles("watercolor")), "README.md": "# Mine" },
    );
    await workOff("inspect");
    expect(await pairOf("bob/copy", "ann/guide-tiny")).toMatchObject([
      { id, finetune: { repo: "ann/watercolor", copies: 2 }, state: "succeeded" }, // who was first keeps the name
    ]);
    expect(await database().pair.count({ where: { state: "queued" } })).toBe(0);
  });

  test("asked for again is the same, whoever asks and however often", async () => {
    const before = await getPair(bob, id, true);
    for (const actor of [ann, bob])
      expect((await requestCheck(actor, { finetune: "ann/watercolor", guide: "ann/guide-tiny" })).id).toBe(id);
    expect(await getPair(bob, id, true)).toEqual(before);
  });

  test("goes stale when either has other weights, and stays as history", async () => {
    const files = await starterFiles("watercolor");
    const path = await alteredFile(
      starter("watercolor/unet/diffusion_pytorch_model.safetensors"),
      `${hub.folder}/more.safetensors`,
      ({ tensors }) => {
        tensors.get("conv_out.bias")!.data[0]! += 0.01;
      },
    );
    await commitFiles(watercolor, { ...files, "unet/diffusion_pytorch_model.safetensors": await readFile(path) });
    await workOff("inspect");
    const stale = "The fine-tune has other weights since.";
    const before = (await pairOf("ann/watercolor", "ann/guide-tiny")).find((pair) => pair.id === id);
    expect(before).toMatchObject({ state: "succeeded", finetune: { repo: "ann/watercolor" }, stale });
    expect((await listGuides(anonymous, { owner: "bob", repo: "copy" }, page)).items).toMatchObject([
      { state: "measured", pair: id, stale: null }, // there it is still what there is
    ]);
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { state: "queued", stale: null },
    ]);
    await database().pair.deleteMany({ where: { state: "queued" } });
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { state: "measured", pair: id, stale },
    ]);
    await commitFiles(watercolor, files);
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { state: "measured", pair: id, stale },
    ]); // nobody knows yet
    await workOff("inspect");
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { state: "measured", pair: id, stale: null },
    ]);
    await commitFiles(watercolor, { ...files, "README.md": "# Other words" });
    expect((await listGuides(anonymous, nameOf(watercolor), page)).items).toMatchObject([
      { state: "measured", pair: id, stale: null },
    ]); // words do not make it stale, not even for a second
  });
});

describe("who may see a measurement", () => {
  test("whoever may read both, and nobody else", async () => {
    await newRepoWith(
      bob,
      { name: "own-guide", kind: "guide", visibility: "private" },
      await starterFiles("guide-distilled"),
    );
    await workOff("inspect");
    const [pair] = await pairOf("ann/watercolor", "bob/own-guide", bob);
    expect(pair).toMatchObject({ state: "queued" });
    for (const actor of [ann, anonymous, tokenOf(bob, "write")]) {
      expect((await failureOf(getPair(actor, pair!.id, false))).code).toBe("not_found");
      expect((await listPairs(actor, page)).items.map(({ id }) => id)).not.toContain(pair!.id);
      expect((await listGuides(actor, nameOf(watercolor), page)).items.map(({ repo }) => repo)).not.toContain(
        "bob/own-guide",
      );
      expect(
        (
          await failureOf(
            requestCheck(actor.kind === "anonymous" ? actor : tokenOf(ann, "run", "read"), {
              finetune: "ann/watercolor",
              guide: "bob/own-guide",
            }),
          )
        ).code,
      ).toBe(actor.kind === "anonymous" ? "unauthenticated" : "repo_not_found");
    }
    expect((await listPairs(bob, page)).items.map(({ id }) => id)).toContain(pair!.id);
    expect(
      (
        await failureOf(
          requestCheck(tokenOf(bob, "read", "write"), { finetune: "ann/watercolor", guide: "bob/own-guide" }),
        )
      ).code,
    ).toBe("forbidden");
  });

  test("two private repos of different people are not measured together", async () => {
    await newRepoWith(
      ann,
      { name: "own-neon", kind: "finetune", visibility: "private", base: "ann/storybook" },
      await starterFiles("neon-lora"),
    );
    await workOff("inspect");
    const partners = (await listGuides(ann, { owner: "ann", repo: "own-neon" }, page)).items;
    expect(partners.map(({ repo, state }) => [repo, state])).toEqual([["ann/guide-tiny", "queued"]]);
    // What waits in a batch goes before others once a person asks for it.
    const [pair] = await pairOf("ann/own-neon", "ann/guide-tiny", ann);
    expect(await requestCheck(ann, { finetune: "ann/own-neon", guide: "ann/guide-tiny" })).toMatchObject({
      id: pair!.id,
      state: "queued",
    });
    expect(await jobOf(pair!.id)).toEqual({ priority: 100, group_id: ann.userId });
  });

  test("pages go through all of it", async () => {
    const all = (await listPairs(bob, page)).items.map(({ id }) => id);
    const found: string[] = [];
    let cursor: string | undefined;
    do {
      const { items, next } = await listPairs(bob, { limit: 2, ...(cursor !== undefined && { cursor }) });
      found.push(...items.map(({ id }) => id));
      cursor = next ?? undefined;
    } while (cursor !== undefined);
    expect(found).toEqual(all);
    expect(all.length).toBeGreaterThan(3);
  });
});

test("without an evaluator figures are shown and nothing is judged", async () => {
  const { repo } = await newRepoWith(ann, { name: "plain", kind: "base" }, await starterFiles("storybook"));
  await workOff("inspect");
  await newRepoWith(
    ann,
    { name: "plain-guide", kind: "guide", base: "ann/plain" },
    await starterFiles("guide-distilled"),
  );
  await workOff("inspect");
  const [pair] = await pairOf("ann/plain", "ann/plain-guide");
  expect(pair!.protocol).toBe("v4-e0");
  await measure(pair!.id);
  const view = await getPair(anonymous, pair!.id, false);
  expect(view).toMatchObject({
    state: "succeeded",
    verdict: "notMeasured",
    recovered: null,
    n: 4,
    reasons: [expect.stringContaining("without an evaluator")],
  });
  expect(view.measurements.map(({ level, n }) => [level, n > 0])).toEqual([0, 1, 2, 5].map((level) => [level, true]));
  expect(view.measured).toMatchObject({ fidelity: null, evaluatorSha256: null, promptsSha256: null });
  expect((await listGuides(anonymous, nameOf(repo), page)).items[0]).toMatchObject({
    repo: "ann/plain-guide",
    state: "measured",
    verdict: "notMeasured",
  });
});

test("a prediction that is not a number is a result, and is kept", async () => {
  const path = await alteredFile(
    starter("watercolor/unet/diffusion_pytorch_model.safetensors"),
    `${hub.folder}/nan.safetensors`,
    ({ tensors }) => tensors.get("conv_out.bias")!.data.fill(NaN),
  );
  await newRepoWith(
    ann,
    { name: "nan", kind: "finetune" },
    { ...(await starterFiles("watercolor")), "unet/diffusion_pytorch_model.safetensors": await readFile(path) },
  );
  await workOff("inspect");
  await drawOnly(1);
  const [pair] = await pairOf("ann/nan", "ann/guide-tiny");
  await measure(pair!.id);
  expect(await getPair(anonymous, pair!.id, true)).toMatchObject({
    state: "succeeded",
    verdict: "incompatible",
    reasons: ["A prediction of the model itself was not a number, with CFG or without."],
    measured: { lineage: { band: "derived" }, agreement: null, fidelity: null },
  });
});

describe("what does not fit is refused", () => {
  test.each([
    [
      { finetune: "ann/guide-tiny", guide: "ann/guide-tiny" },
      "bad_request",
      /is a guide, and draws nothing; name a model/,
    ],
    [{ finetune: "ann/watercolor", guide: "ann/storybook" }, "bad_request", /is a base, and guides nothing; name/],
    [{ finetune: "ann/empty", guide: "ann/guide-tiny" }, "unsupported_model", /has no files yet/],
    [{ finetune: "ann/words", guide: "ann/guide-tiny" }, "unsupported_model", /neither a model_index.json/],
    [
      { finetune: "ann/watercolor", guide: "ann/other-guide" },
      "pair_does_not_fit",
      /was made for unet-.*-v, and ann\/watercolor is unet-.*-eps/,
    ],
    [{ finetune: "ann/fresh", guide: "ann/guide-tiny" }, "upload_not_ready", /is still being inspected/],
  ] as const)("%o: %s", async (pair, code, says) => {
    if (pair.finetune === "ann/empty") {
      await newRepoWith(ann, { name: "words", kind: "finetune" }, { "README.md": "# Soon" });
      const path = await alteredFile(
        starter("guide-tiny/guide.safetensors"),
        `${hub.folder}/v.safetensors`,
        ({ metadata }) => metadata.set("prediction_type", "v_prediction"),
      );
      await newRepoWith(ann, { name: "other-guide", kind: "guide" }, { "guide.safetensors": await readFile(path) });
      await workOff("inspect");
      await createRepo(ann, { owner: "ann", name: "empty", kind: "finetune", visibility: "public" });
      await newRepoWith(ann, { name: "fresh", kind: "finetune" }, await starterFiles("clay-lora"));
    }
    const failure = await failureOf(requestCheck(ann, pair));
    expect(failure).toMatchObject({ code });
    expect(failure.message).toMatch(says);
  });
});

describe("a measurement is written once", () => {
  const outcome = (request: Outcome["summary"]["request"]): Outcome => ({
    verdict: "incompatible",
    reasons: ["For a test."],
    summary: {
      request,
      measured: { ...nothingMeasured, runtime: { name: "x", version: "1", provider: "cpu", threads: 1 } },
    },
    levels: [{ level: 0, n: 1, raw: {}, milliseconds: 0 }],
    next: null,
    prompts: [],
    machine: "test",
  });
  test("look by look: each waits its turn behind what waits, and has all that those before it had", async () => {
    const id = await waiting();
    const look = (n: number, next: number | null): Outcome => ({
      ...outcome({ pictures: n }),
      verdict: "inconclusive",
      summary: { request: { pictures: n }, measured: { ...nothingMeasured, next } },
      levels: [4 as const].map((level) => ({ level, n, raw: { drawn: n }, milliseconds: 1 })),
      next,
    });
    expect(await recordOutcome(id, (await claimJob("check", id))!, look(48, 96), async () => {})).toBe(true);
    expect(await stateOf(id)).toMatchObject({
      state: "queued",
      verdict: "inconclusive",
      summary: { request: { pictures: 96 } },
    });
    expect((await getCheck(id)).before).toMatchObject([{ level: 4, raw: { drawn: 48 } }]);
    expect(await jobOf(id)).toMatchObject({ priority: 0, group_id: ann.userId }); // first looks of others come before
    const second = (await claimJob("check", id))!;
    await cancelPair(ann, id);
    expect(await recordOutcome(id, second, look(96, 192), async () => {})).toBe(false);
    expect(await stateOf(id)).toMatchObject({ state: "cancelled", verdict: "inconclusive" }); // what was found stays
    await requestCheck(ann, { finetune: "ann/own-neon", guide: "ann/guide-tiny" });
    expect((await getCheck(id)).request).toEqual({ pictures: 96 }); // and is gone on from
    expect(await recordOutcome(id, (await claimJob("check", id))!, look(96, null), async () => {})).toBe(true);
    expect(await stateOf(id)).toMatchObject({ state: "succeeded", summary: { request: { pictures: 96 } } });
    expect((await getPair(ann, id, true)).measurements).toMatchObject([{ level: 4, n: 96, raw: { drawn: 96 } }]);
    await database().measurement.deleteMany({ where: { pairId: id } });
    await database().pair.update({
      where: { id },
      data: { verdict: "notMeasured", measuredAt: null, summary: { request: { pictures: 48 } } },
    });
    await database().$executeRaw`UPDATE job SET state = 'queued' WHERE subject_id = ${id}::uuid`;
  });

  const waiting = async (): Promise<string> => (await pairOf("ann/own-neon", "ann/guide-tiny", ann))[0]!.id;

  test("by the last attempt only", async () => {
    const id = await waiting();
    const [first, second] = [await claimJob("check", id), await claimJob("check", id)];
    const { request } = await getCheck(id);
    expect(await recordOutcome(id, first!, outcome(request), addSheet)).toBe(false);
    await failJob("check", id, first!, { message: "late" } as AppError);
    expect(await stateOf(id)).toMatchObject({ state: "running", attempt: second, problem: null });
    expect(await database().measurement.count({ where: { pairId: id } })).toBe(0);
  });

  test("not after it was cancelled, and again when asked again", async () => {
    const id = await waiting();
    const attempt = (await claimJob("check", id))!;
    await cancelPair(ann, id);
    expect(await recordOutcome(id, attempt, outcome({ pictures: 48 }), addSheet)).toBe(false);
    expect(await claimJob("check", id)).toBeNull();
    expect(await stateOf(id)).toMatchObject({ state: "cancelled", verdict: "notMeasured" });
    expect(await requestCheck(ann, { finetune: "ann/own-neon", guide: "ann/guide-tiny" })).toMatchObject({
      id,
      state: "queued",
    });
  });

  test("a child that dies leaves the reason, and the worker goes on", async () => {
    const id = await waiting();
    const models = createModels();
    const attempt = (await claimJob("check", id))!;
    const run = runJob(checkHandler, "check", id, attempt, { models });
    while (!(await stateOf(id)).progress) await sleep(50);
    process.kill(models.loaded()[0]!.pid!, "SIGKILL");
    const failure = await failureOf(run);
    expect(failure).toMatchObject({ code: "inference_died" });
    await failJob("check", id, attempt, failure);
    expect(await stateOf(id)).toMatchObject({
      state: "failed",
      progress: null,
      problem: expect.stringContaining("most often memory ran out"),
    });
    models.close();
    expect(await requestCheck(ann, { finetune: "ann/own-neon", guide: "ann/guide-tiny" })).toMatchObject({
      id,
      state: "queued",
      problem: null,
    });
  });
});

describe("over HTTP", () => {
  const visitor = new Visitor();
  const params = { owner: "bob", repo: "copy" };

  test("answers are as the document says, to the last key", async () => {
    const { body: list } = await visitor.ask(listGuidesRoute, { params });
    for (const [handler, operation, ask] of [
      [getInspectionRoute, operations.getInspection, { params }],
      [listGuidesRoute, operations.listGuides, { params }],
      [listFitsRoute, operations.listFits, { params: { owner: "ann", repo: "other-guide" } }],
      [listPairsRoute, operations.listPairs, { query: { finetune: "bob/copy", limit: "1" } }],
      [getPairRoute, operations.getPair, { params: { id: measured }, query: { raw: "true" } }],
    ] as const) {
      const { status, body } = await visitor.ask(handler, ask);
      expect({ operation: operation.id, status }).toEqual({ operation: operation.id, status: 200 });
      expect((operation.response as z.ZodType).parse(body)).toEqual(body);
    }
    expect(list.items.length).toBeGreaterThan(0);
  });

  test("a stranger may look, and starts and stops nothing", async () => {
    expect(
      (
        await visitor.ask(requestCheckRoute, {
          method: "POST",
          body: { finetune: "bob/copy", guide: "ann/other-guide" },
        })
      ).status,
    ).toBe(401);
    expect((await visitor.ask(cancelPairRoute, { method: "POST", params: { id: measured } })).status).toBe(401);
    expect((await visitor.ask(getPairRoute, { params: { id: "00000000-0000-7000-8000-000000000000" } })).status).toBe(
      404,
    );
    expect((await visitor.ask(listPairsRoute, { query: { cursor: "nonsense" } })).status).toBe(400);
  });
});

test("a measurement whose guide is gone says so", async () => {
  const [{ id }] = (await pairOf("ann/own-neon", "ann/guide-tiny", ann)) as [PairItem];
  await deleteRepo(ann, nameOf(tiny));
  expect(await failureOf(getCheck(id))).toMatchObject({
    code: "not_found",
    message: expect.stringContaining("The repo of the guide is gone"),
  });
  expect((await failureOf(getPair(ann, id, false))).code).toBe("not_found");
});
