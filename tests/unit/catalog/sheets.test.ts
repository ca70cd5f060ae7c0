import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "#lib/auth/actor.ts";
import { anonymous, hub as itself } from "#lib/auth/actor.ts";
import { requestCheck } from "#lib/catalog/pairs/service.ts";
import { type Outcome, recordOutcome } from "#lib/catalog/pairs/work.ts";
import { attachPreview, cancelPreview, deletePreview, rerunPreview } from "#lib/catalog/previews/service.ts";
import { modes, newPreview, previewQuery } from "#lib/catalog/previews/schema.ts";
import { findPicture, getPreview, listPreviews } from "#lib/catalog/previews/views.ts";
import { recordPicture, recordSuccess } from "#lib/catalog/previews/work.ts";
import type { CardPicture } from "#lib/catalog/sheets/schema.ts";
import { getSheet, picturesOf, showcase } from "#lib/catalog/sheets/service.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { encodePng } from "#lib/picture/png.ts";
import type { RecipeJson } from "#lib/picture/recipe.ts";
import { ownLimits, priorities } from "#lib/queue/jobs.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { newPerson } from "../../support/actors.ts";
import { commitFiles, newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { ask, fillPreviewHub, type PreviewHub } from "../../support/previews.ts";
import { expectSound, storedKeys } from "../../support/sound-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { claimJob, failJob, queueChecksAgain } from "../../support/attempts.ts";
import { nothingMeasured } from "../../support/nothing-measured.ts";

const hub = await useTempHub({ GUIDEPOST_GRACE: "1d" });
let people: PreviewHub;
beforeAll(async () => {
  people = await fillPreviewHub();
  await newRepoWith(
    people.ann,
    { name: "small", kind: "guide", base: "ann/storybook" },
    await starterFiles("guide-distilled"),
  );
  await workOff("inspect");
});
afterEach(async () => {
  await database().preview.deleteMany();
  await queueChecksAgain();
  await database().pair.updateMany({ data: { verdict: "notMeasured" } });
});
afterAll(() => hub.close());

const refusal = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );
const setVisibility = (name: string, visibility: "public" | "private") =>
  database().repo.updateMany({ where: { name }, data: { visibility } });
const repoId = async (name: string): Promise<string> =>
  (await database().repo.findFirstOrThrow({ where: { name }, select: { id: true } })).id;

async function pairOf(finetune: string, guide: string): Promise<string> {
  const repo = (name: string) => ({ repo: { name } });
  return (
    await database().pair.findFirstOrThrow({
      where: { finetuneCommit: repo(finetune), guideCommit: repo(guide) },
      orderBy: { createdAt: "asc" },
      select: { id: true },
    })
  ).id;
}

const prompts = Array.from({ length: 48 }, (_, i) => `a red house, number ${i + 1}`);

/** As a check ends, without the minute that it takes. */
function outcomeOf(verdict: Outcome["verdict"], recovered: number, more: Partial<Outcome> = {}): Outcome {
  const of = (value: number) => ({ value, low: value - 0.1, high: value + 0.1, n: 48 });
  const fidelity = {
    recovered: of(recovered),
    conditional: of(0.5),
    guide: of(0.7),
    cfg: of(0.75),
    gain: of(0.25),
    scored: ["colour"],
    unscored: [],
    domain: null,
  };
  const levels = ([0, 1, 2, 4] as const).map((level) => ({ level, n: 48, raw: {}, milliseconds: 0 }));
  return {
    verdict,
    reasons: ["For a test."],
    summary: { request: { pictures: 48 }, measured: { ...nothingMeasured, fidelity } },
    levels,
    next: null,
    prompts,
    machine: "test",
    ...more,
  };
}

async function measure(pairId: string, outcome: Outcome): Promise<void> {
  expect(await recordOutcome(pairId, (await claimJob("check", pairId))!, outcome, addSheet)).toBe(true);
}

/** As a worker draws it, with pictures of one pixel. */
async function draw(id: string, milliseconds = 2000): Promise<void> {
  const attempt = (await claimJob("preview", id))!;
  for (const [i, mode] of modes.entries()) {
    const png = encodePng(
      { width: 1, height: 1, rgb: crypto.getRandomValues(new Uint8Array(3)) },
      new Map([["of", id]]),
    );
    await recordPicture(
      id,
      attempt,
      png,
      { mode, seed: 5n, width: 1, height: 1, passes: mode === "cfg" ? 40 : 20, milliseconds, recipe: {} as RecipeJson },
      { mode, stage: "denoising", step: 20, steps: 20, passes: 20, modesDone: modes.slice(0, i + 1), picture: null },
    );
  }
  expect(await recordSuccess(id, attempt, { open: 0, modes: {}, notes: [] })).toBe(true);
}

const columns = (pairId: string) => database().preview.findMany({ where: { pairId }, orderBy: { sheetIndex: "asc" } });

async function drawAll(pairId: string): Promise<void> {
  for (const { id, state } of await columns(pairId)) if (state === "queued") await draw(id);
}

/** A pair that was measured, with its sheet. */
async function shown(finetune: string, guide: string, verdict: Outcome["verdict"], recovered: number): Promise<string> {
  const id = await pairOf(finetune, guide);
  await measure(id, outcomeOf(verdict, recovered));
  await drawAll(id);
  return id;
}

describe("a pair that is measured", () => {
  test("has the first eight prompts of its measurement to be drawn, before the next of a batch and after every person", async () => {
    const id = await pairOf("watercolor", "tiny");
    await measure(id, outcomeOf("verified", 0.8));
    const rows = await columns(id);
    expect((await getSheet(anonymous, id)).rows.map(({ index, prompt, seed }) => [index, prompt, seed])).toEqual(
      prompts.slice(0, 8).map((prompt, i) => [i, prompt, i + 1]),
    );
    for (const row of rows) {
      expect(row).toMatchObject({
        state: "queued",
        userId: null,
        expiresAt: null,
        isAttached: false,
        recipe: {
          asked: {
            finetune: "ann/watercolor",
            guide: "ann/tiny",
            steps: 20,
            sampler: "ddim",
            guidanceScale: 5,
            cfgSteps: 0,
            negativePrompt: null,
            revision: row.finetuneCommitId,
            guideRevision: row.guideCommitId,
          },
        },
      });
      const { asked } = row.recipe as { asked: object };
      expect(newPreview.parse(asked)).toEqual(asked); // anybody may ask for the same
    }
    const jobs = await database().job.findMany({ where: { kind: "preview", state: "queued" } });
    expect(jobs.map((job) => job.subjectId).toSorted()).toEqual(rows.map((row) => row.id).toSorted());
    expect(jobs.every(({ priority }) => priority === priorities.sheet)).toBe(true);
    expect(new Set(jobs.map(({ userId }) => userId))).toEqual(new Set([people.ann.userId])); // whose upload it follows from
    expect([priorities.batch < priorities.sheet, priorities.sheet < priorities.upload]).toEqual([true, true]);
    for (let seed = 0; seed < 8; seed++)
      expect(await ask(people.ann, { seed })).toMatchObject({ queue: { ahead: seed } }); // her own eight, past all of these
  });

  test("has them with its verdict or not at all", async () => {
    const id = await pairOf("watercolor", "tiny");
    await database().measurement.deleteMany({ where: { pairId: id } });
    const [late, last] = [await claimJob("check", id), await claimJob("check", id)];
    expect(await recordOutcome(id, late!, outcomeOf("verified", 0.8), addSheet)).toBe(false);
    await expect(recordOutcome(id, last!, outcomeOf("verified", 0.8, { levels: [] }), addSheet)).rejects.toThrow(
      /needs measurements of the levels/,
    ); // by no picture: the database refuses at the very end
    expect(await columns(id)).toEqual([]);
    expect(await database().job.count({ where: { kind: "preview" } })).toBe(0);
    expect(await recordOutcome(id, last!, outcomeOf("verified", 0.8), addSheet)).toBe(true);
    expect(await columns(id)).toHaveLength(8);
  });

  test("keeps what is drawn when it is measured again, and what failed is drawn again", async () => {
    const id = await pairOf("watercolor", "tiny");
    await measure(id, outcomeOf("verified", 0.8));
    const before = await columns(id);
    await draw(before[0]!.id);
    await failJob("preview", before[1]!.id, (await claimJob("preview", before[1]!.id))!, { message: "for a test" });
    await queueChecksAgain(id);
    await measure(id, outcomeOf("verified", 0.9));
    const after = await columns(id);
    expect(after.map(({ sheetIndex }) => sheetIndex)).toEqual([0, 1, 2, 3, 4, 5, 6, 7]);
    expect(after.flatMap((row, i) => (row.id === before[i]!.id ? [] : [i]))).toEqual([1]);
    expect(after.map(({ state }) => state)).toEqual(["succeeded", ...Array<string>(7).fill("queued")]);
  });

  test.each([
    ["usableWithLimits", 8],
    ["notMeasured", 8],
    ["incompatible", 0],
  ] as const)("%s has %i", async (verdict, count) => {
    const id = await pairOf("neon", "tiny");
    await measure(id, outcomeOf(verdict, 0.4));
    expect(await columns(id)).toHaveLength(count);
    expect(await getSheet(anonymous, id)).toMatchObject({ done: 0, total: count, timings: null });
  });

  test("whose base is large has two", async () => {
    const { commitId } = await database().inspection.findFirstOrThrow({
      where: { commit: { repo: { name: "storybook" } } },
    });
    const setParameters = (parameters: number) =>
      database()
        .$executeRaw`UPDATE inspection SET facts = jsonb_set(facts, '{parameters}', ${String(parameters)}::jsonb) WHERE commit_id = ${commitId}`;
    const { parameters } = (await database().inspection.findFirstOrThrow({ where: { commitId } })).facts as {
      parameters: number;
    };
    await setParameters(860e6);
    const id = await pairOf("neon", "tiny"); // of a low-rank file its base counts
    await measure(id, outcomeOf("verified", 0.8));
    await setParameters(parameters);
    expect(await columns(id)).toHaveLength(2);
  });

  test("with a guide for other guidance is drawn within its range, or not at all", async () => {
    const id = await pairOf("watercolor", "tiny");
    const facts = async (min: number, max: number): Promise<void> => {
      await database()
        .$executeRaw`UPDATE inspection i SET facts = jsonb_set(jsonb_set(facts, '{guide,minGuidance}', ${String(min)}::jsonb), '{guide,maxGuidance}', ${String(max)}::jsonb) FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = i.commit_id AND r.name = 'tiny'`;
    };
    const { guide } = (await database().inspection.findFirstOrThrow({ where: { commit: { repo: { name: "tiny" } } } }))
      .facts as { guide: { minGuidance: number; maxGuidance: number } };
    for (const [min, max, drawn] of [
      [1, 3, 3],
      [7, 9, 7],
      [30, 40, null],
    ] as const) {
      await facts(min, max);
      await measure(id, outcomeOf("verified", 0.8));
      expect(
        (await columns(id)).map(({ recipe }) => (recipe as { asked: { guidanceScale: number } }).asked.guidanceScale),
      ).toEqual(Array(drawn === null ? 0 : 8).fill(drawn));
      await database().preview.deleteMany();
      await queueChecksAgain(id);
    }
    await facts(guide.minGuidance, guide.maxGuidance);
  });

  test("leaves out of a base's list what nobody could ask for", async () => {
    const id = await pairOf("watercolor", "tiny");
    await measure(
      id,
      outcomeOf("verified", 0.8, {
        prompts: ["", "x".repeat(2001), "tab\there", "nul\0", "half \ud800", "a house", "a boat"],
      }),
    );
    expect((await getSheet(anonymous, id)).rows.map(({ prompt, seed, index }) => [index, seed, prompt])).toEqual([
      [0, 1, "a house"],
      [1, 2, "a boat"],
    ]);
  });

  test("keeps its verdict where the queue is full, or a repo is gone", async () => {
    const id = await pairOf("watercolor", "tiny");
    await database().job.createMany({
      data: Array.from({ length: ownLimits.sheet }, () => ({
        kind: "preview" as const,
        subjectId: randomUUID(),
        resource: "compute" as const,
        lane: "seconds" as const,
        priority: priorities.sheet,
        userId: people.ann.userId,
      })),
    });
    await measure(id, outcomeOf("verified", 0.8));
    expect(await database().pair.findUnique({ where: { id } })).toMatchObject({
      state: "succeeded",
      verdict: "verified",
    });
    expect(await columns(id)).toEqual([]);
    await database().job.deleteMany({ where: { kind: "preview" } });

    for (const name of ["watercolor", "storybook"]) {
      const neon = await pairOf(name === "storybook" ? "neon" : "watercolor", "tiny");
      await queueChecksAgain(neon);
      await database().repo.updateMany({ where: { name }, data: { deletedAt: new Date() } });
      await measure(neon, outcomeOf("verified", 0.8));
      await database().repo.updateMany({ where: { name }, data: { deletedAt: null } });
      expect(await columns(neon)).toEqual([]);
    }
  });
});

describe("a sheet", () => {
  test("has its columns in order, with what is drawn and how long that took", async () => {
    const id = await pairOf("watercolor", "tiny");
    await measure(id, outcomeOf("verified", 0.8));
    const rows = await columns(id);
    for (const [i, milliseconds] of [1000, 2000, 4000].entries()) await draw(rows[2 - i]!.id, milliseconds);
    await claimJob("preview", rows[3]!.id);
    const sheet = await getSheet(anonymous, id);
    expect([sheet.done, sheet.total, sheet.rows.map(({ state }) => state)]).toEqual([
      3,
      8,
      [...Array<string>(3).fill("succeeded"), "running", ...Array<string>(4).fill("queued")],
    ]);
    expect(sheet.rows.map(({ preview, index }) => [preview, index])).toEqual(rows.map((row, i) => [row.id, i]));
    expect(sheet.timings).toEqual({
      conditional: { passes: 20, seconds: 2, low: 1.5, high: 3, n: 3 },
      guide: { passes: 20, seconds: 2, low: 1.5, high: 3, n: 3 },
      cfg: { passes: 40, seconds: 2, low: 1.5, high: 3, n: 3 },
    });
    expect(sheet.rows[3]!.pictures).toEqual({ conditional: null, guide: null, cfg: null });
    const { cfg } = sheet.rows[0]!.pictures;
    expect(cfg).toMatchObject({ mode: "cfg", width: 1, height: 1, passes: 40, seconds: 4 });
    const [, version] = /^\/api\/v1\/previews\/[0-9a-f-]{36}\/pictures\/cfg\?v=([0-9a-f]{12})$/.exec(cfg!.url)!;
    expect(await findPicture(anonymous, rows[0]!.id, "cfg", version)).toMatchObject({ isVersion: true });
  });

  test("is seen by whoever may read both repos, and by nobody else", async () => {
    const { ann, ben } = people;
    const id = await shown("watercolor", "tiny", "verified", 0.8);
    const column = (await columns(id))[0]!.id;
    const ids = [await repoId("watercolor"), await repoId("tiny")];
    const sees = async (actor: Actor): Promise<boolean> => {
      const found = [
        await getSheet(actor, id).then(
          ({ rows }) => rows.length > 0,
          () => false,
        ),
        await getPreview(actor, column).then(
          () => true,
          () => false,
        ),
        await findPicture(actor, column, "guide", undefined).then(
          () => true,
          () => false,
        ),
        (await listPreviews(actor, previewQuery.parse({ sheet: "true" }))).items.length > 0,
        (await picturesOf(actor, ids)).size > 0,
        (await showcase(actor)) !== null,
      ];
      expect(new Set(found).size, JSON.stringify(found)).toBe(1);
      return found[0]!;
    };
    for (const name of ["watercolor", "tiny"]) {
      await setVisibility(name, "private");
      expect([await sees(ann), await sees(itself), await sees(ben), await sees(anonymous)]).toEqual([
        true,
        true,
        false,
        false,
      ]);
      await setVisibility(name, "public");
    }
    expect([await sees(ann), await sees(ben), await sees(anonymous)]).toEqual([true, true, true]);
  });

  test("of somebody's private repo is not seen through a copy of its weights", async () => {
    const id = await shown("watercolor", "tiny", "verified", 0.8);
    await newRepoWith(
      people.ben,
      { name: "copy", kind: "finetune" },
      { ...(await starterFiles("watercolor")), "README.md": "# Mine" },
    );
    await workOff("inspect");
    const copy = await repoId("copy");
    expect((await picturesOf(anonymous, [copy])).get(copy)).toHaveLength(4); // the same weights, the same pictures
    await setVisibility("watercolor", "private");
    expect(await getSheet(anonymous, id)).toEqual({ rows: [], done: 0, total: 0, timings: null }); // the evidence is of the weights, the pictures are of the repo
    expect([(await picturesOf(anonymous, [copy])).size, await showcase(anonymous)]).toEqual([0, null]);
    await setVisibility("watercolor", "public");
    await database().repo.updateMany({ where: { name: "copy" }, data: { deletedAt: new Date() } });
  });

  test("is nobody's own: in no list that does not ask for it, and only operators take it away", async () => {
    const { ann, ben } = people;
    const operator = await newPerson(`op${randomUUID().slice(0, 8)}`, { isOperator: true });
    const id = await shown("watercolor", "tiny", "verified", 0.8);
    const [first, second] = await columns(id);
    const mine = await ask(ben);
    for (const [actor, own] of [
      [ann, []],
      [ben, [mine.id]],
      [operator, [mine.id]],
      [itself, [mine.id]],
      [anonymous, []],
    ] as const) {
      expect((await listPreviews(actor, previewQuery.parse({}))).items.map((item) => item.id)).toEqual(own);
      const { items } = await listPreviews(actor, previewQuery.parse({ sheet: "true", guide: "ann/tiny" }));
      expect([
        items.length,
        items.some(({ isMine }) => isMine),
        items.every(({ expiresAt }) => expiresAt === null),
      ]).toEqual([8, false, true]);
    }
    expect((await listPreviews(ann, previewQuery.parse({ sheet: "true", mine: "true" }))).items).toEqual([]);
    for (const actor of [ann, ben]) {
      for (const work of [cancelPreview, deletePreview])
        expect(await refusal(work(actor, first!.id))).toMatchObject({ code: "forbidden" });
    }
    expect(await refusal(attachPreview(ann, first!.id, { attached: true }))).toMatchObject({ code: "conflict" });
    expect(await rerunPreview(ben, first!.id, {})).toMatchObject({
      isMine: true,
      prompt: prompts[0],
      seed: 1,
      expiresAt: expect.any(String),
    });
    await deletePreview(operator, first!.id);
    expect((await getSheet(anonymous, id)).rows.map(({ index }) => index)).toEqual([1, 2, 3, 4, 5, 6, 7]);
    expect((await getSheet(anonymous, id)).rows[0]!.preview).toBe(second!.id);
  });

  test("stays as long as its pair, whatever the sweeper does, and its bytes go after it", async () => {
    const id = await shown("watercolor", "tiny", "verified", 0.8);
    const day = (n: number): Date => new Date(Date.now() + n * 86_400_000);
    const before = await storedKeys();
    for (const n of [1, 60, 400]) await sweep(day(n));
    expect(await columns(id)).toHaveLength(8);
    expect((await getSheet(anonymous, id)).rows.every(({ pictures }) => pictures.cfg !== null)).toBe(true);
    const kept = await storedKeys();
    expect(before).toEqual(expect.arrayContaining(kept));
    await expectSound();
    await database().pair.delete({ where: { id } });
    expect(await columns(id)).toEqual([]);
    await sweep(day(402));
    await sweep(day(404));
    expect(kept.length - (await storedKeys()).length).toBe(24);
    await expectSound();
    await requestCheck(people.ann, { finetune: "ann/watercolor", guide: "ann/tiny" });
  });
});

describe("the pictures of a card", () => {
  const cards = async (name: string, count?: number, actor: Actor = anonymous): Promise<readonly CardPicture[]> => {
    const id = await repoId(name);
    return (await picturesOf(actor, [id], count)).get(id) ?? [];
  };
  const guidesOf = async (pictures: readonly CardPicture[]) =>
    Promise.all(pictures.map(async ({ url }) => (await getPreview(itself, url.split("/")[4]!)).guide!.repo));

  test("of a model are the first columns of its best pair, with the guide", async () => {
    await shown("watercolor", "small", "usableWithLimits", 0.95);
    await shown("watercolor", "tiny", "verified", 0.8);
    const four = await cards("watercolor");
    expect(four.map(({ prompt, seed, finetune, width, height }) => [prompt, seed, finetune, width, height])).toEqual(
      [1, 2, 3, 4].map((n) => [prompts[n - 1], 5, "ann/watercolor", 1, 1]),
    );
    expect(
      four.every(({ url }) => /^\/api\/v1\/previews\/[0-9a-f-]{36}\/pictures\/guide\?v=[0-9a-f]{12}$/.test(url)),
    ).toBe(true);
    expect(new Set(await guidesOf(four))).toEqual(new Set(["ann/tiny"])); // a verdict counts more than a number
    await database().pair.update({ where: { id: await pairOf("watercolor", "small") }, data: { verdict: "verified" } });
    expect(await guidesOf(await cards("watercolor", 2))).toEqual(["ann/small", "ann/small"]);
    expect([
      await cards("neon"),
      (await picturesOf(anonymous, [])).size,
      (await picturesOf(anonymous, [randomUUID()])).size,
    ]).toEqual([[], 0, 0]);
  });

  test("of a guide are of different fine-tunes, the best first", async () => {
    await shown("neon", "tiny", "usableWithLimits", 0.99);
    await shown("watercolor", "tiny", "verified", 0.8);
    await shown("storybook", "tiny", "verified", 0.9);
    const where = { id: await pairOf("watercolor", "tiny") };
    const { protocol } = await database().pair.findUniqueOrThrow({ where, select: { protocol: true } });
    await database().pair.update({ where, data: { protocol: "v1-e0-p0-n48" } }); // an earlier one's, beside today's
    const { id } = await requestCheck(people.ann, { finetune: "ann/watercolor", guide: "ann/tiny" });
    await measure(id, outcomeOf("verified", 0.7));
    await drawAll(id);
    const of = async (count: number) => (await cards("tiny", count)).map(({ finetune, prompt }) => [finetune, prompt]);
    expect(await of(4)).toEqual([
      ["ann/storybook", prompts[0]],
      ["ann/watercolor", prompts[0]],
      ["ann/neon", prompts[0]],
    ]);
    expect(await of(2)).toEqual([
      ["ann/storybook", prompts[0]],
      ["ann/watercolor", prompts[0]],
    ]);
    await setVisibility("watercolor", "private");
    expect(await of(2)).toEqual([
      ["ann/storybook", prompts[0]],
      ["ann/neon", prompts[0]],
    ]);
    await setVisibility("watercolor", "public");
    await database().pair.delete({ where: { id } });
    await database().pair.update({ where, data: { protocol } });
  });

  test("come for a whole page at once, and each repo has its own", async () => {
    await shown("watercolor", "tiny", "verified", 0.8);
    await shown("neon", "small", "verified", 0.7);
    const names = ["watercolor", "neon", "tiny", "small", "storybook"];
    const ids = await Promise.all(names.map(repoId));
    const all = await picturesOf(anonymous, ids, 3);
    expect(ids.map((id) => all.get(id)?.map(({ finetune }) => finetune) ?? [])).toEqual([
      Array(3).fill("ann/watercolor"),
      Array(3).fill("ann/neon"),
      ["ann/watercolor"],
      ["ann/neon"],
      [],
    ]);
  });

  test("are of today's weights, and what has only old ones comes last", async () => {
    await shown("neon", "tiny", "verified", 0.95);
    await shown("watercolor", "tiny", "verified", 0.8);
    expect((await cards("tiny")).map(({ finetune }) => finetune)).toEqual(["ann/neon", "ann/watercolor"]);
    const neon = await starterFiles("neon-lora");
    await commitFiles({ id: await repoId("neon") }, await starterFiles("pencil-lora"));
    await workOff("inspect");
    expect(await cards("neon")).toEqual([]);
    expect((await cards("tiny")).map(({ finetune }) => finetune)).toEqual(["ann/watercolor", "ann/neon"]);
    await commitFiles({ id: await repoId("neon") }, neon);
    await workOff("inspect");
    expect(await cards("neon")).toHaveLength(4); // the same weights again
  });
});

describe("the front page", () => {
  test("shows the fine-tune that recovers most, with its sheet whole", async () => {
    expect(await showcase(anonymous)).toBeNull();
    const usable = await shown("neon", "small", "usableWithLimits", 0.99);
    expect(await showcase(anonymous)).toMatchObject({ pair: { id: usable } }); // until something is verified
    const onBase = await shown("storybook", "tiny", "verified", 0.97);
    expect(await showcase(anonymous)).toMatchObject({ pair: { id: onBase } }); // until a fine-tune is
    const watercolor = await shown("watercolor", "tiny", "verified", 0.8);
    const found = (await showcase(anonymous))!;
    expect(found).toMatchObject({
      pair: {
        id: watercolor,
        finetune: { repo: "ann/watercolor" },
        guide: { repo: "ann/tiny" },
        recovered: { value: 0.8 },
      },
      sheet: { done: 8, total: 8 },
    });
    expect(found.sheet.rows.every(({ pictures }) => pictures.conditional && pictures.guide && pictures.cfg)).toBe(true);

    const better = await pairOf("neon", "tiny");
    await measure(better, outcomeOf("verified", 0.9));
    const rows = await columns(better);
    for (const { id } of rows.slice(1)) await draw(id);
    expect(await showcase(anonymous)).toMatchObject({ pair: { id: watercolor } }); // one is missing
    await draw(rows[0]!.id);
    expect(await showcase(anonymous)).toMatchObject({ pair: { id: better } });
  });

  test("with equal ones always shows the same, as far as it may be seen", async () => {
    for (const [finetune, guide] of [
      ["watercolor", "tiny"],
      ["neon", "tiny"],
      ["neon", "small"],
    ] as const)
      await shown(finetune, guide, "verified", 0.8);
    const first = await showcase(anonymous);
    expect(first).toMatchObject({ pair: { recovered: { value: 0.8 } } });
    expect((await showcase(anonymous))!.pair.id).toBe(first!.pair.id);
    await setVisibility("small", "private");
    expect(await showcase(anonymous)).toMatchObject({ pair: { guide: { repo: "ann/tiny" } } });
    await setVisibility("small", "public");
  });
});
