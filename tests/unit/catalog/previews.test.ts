import { randomUUID } from "node:crypto";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "#lib/auth/actor.ts";
import { anonymous, hub as itself } from "#lib/auth/actor.ts";
import {
  attachPreview,
  cancelPreview,
  createPreview,
  deletePreview,
  rerunPreview,
} from "#lib/catalog/previews/service.ts";
import { forecastPreview } from "#lib/catalog/previews/forecast.ts";
import {
  attachment,
  forecastQuery,
  type Mode,
  modes,
  newPreview,
  previewQuery,
  type Timings,
} from "#lib/catalog/previews/schema.ts";
import { findPicture, getPreview, listPreviews } from "#lib/catalog/previews/views.ts";
import { recordPicture, recordSuccess, saveProgress } from "#lib/catalog/previews/work.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { encodePng } from "#lib/picture/png.ts";
import type { RecipeJson } from "#lib/picture/recipe.ts";
import { registerWorker, workerStopped } from "#lib/queue/workers.ts";
import { newPerson, tokenOf } from "../../support/actors.ts";
import { commitFiles, newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { ask, asking, fillPreviewHub, type PreviewHub } from "../../support/previews.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { claimJob, failJob, forgetJobs } from "../../support/attempts.ts";
import { workerRow } from "../../support/worker-row.ts";

const hub = await useTempHub();
let people: PreviewHub;
beforeAll(async () => {
  people = await fillPreviewHub();
});
afterEach(async () => {
  await forgetJobs("compute");
  await database().preview.deleteMany();
});
afterAll(() => hub.close());

const refusal = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );
const count = () => database().preview.count();

const took = (seconds: number): Timings => ({
  open: 1,
  modes: Object.fromEntries(
    modes.map((mode) => [mode, { seconds, step: seconds / 4, decode: 0.5, passes: mode === "cfg" ? 8 : 4 }]),
  ),
  notes: [],
});

/** As a worker writes a preview, with pictures of one pixel. */
async function draw(id: string, upTo: readonly Mode[] = modes, seconds = 2): Promise<number> {
  const attempt = (await claimJob("preview", id))!;
  for (const [i, mode] of upTo.entries()) {
    const png = encodePng({ width: 1, height: 1, rgb: Uint8Array.of(i, attempt, 0) }, new Map());
    const picture = { mode, seed: 5n, width: 1, height: 1, passes: 4, milliseconds: 2000, recipe: {} as RecipeJson };
    await recordPicture(id, attempt, png, picture, {
      mode,
      stage: "denoising",
      step: 4,
      steps: 4,
      passes: 4,
      modesDone: upTo.slice(0, i + 1),
      picture: null,
    });
  }
  if (upTo === modes) expect(await recordSuccess(id, attempt, took(seconds))).toBe(true);
  return attempt;
}

describe("what is asked for", () => {
  test("is refused where it is out of bounds", () => {
    const issueOf = (more: object): string | undefined =>
      newPreview
        .safeParse({ finetune: "ann/watercolor", prompt: "a house", seed: 1, ...more })
        .error?.issues[0]?.path.join(".");
    expect(issueOf({})).toBeUndefined();
    const bad = {
      prompt: ["", "x".repeat(2001), "a\nb", "a\0b", "a\u001b[2J", "a\ud800"],
      negativePrompt: ["\u0007"],
      steps: [0, 101, 1.5],
      guidanceScale: [0.9, 20.1, NaN],
      cfgSteps: [-1],
      seed: [-1, 2 ** 53, 0.5],
      sampler: ["euler b"],
      finetune: ["watercolor", "a/../b"],
      id: ["1"],
    };
    for (const [name, values] of Object.entries(bad))
      for (const value of values) expect(issueOf({ [name]: value }), `${name} ${JSON.stringify(value)}`).toBe(name);
    expect(newPreview.safeParse({ finetune: "a/b", prompt: "a", seed: 1, size: 64 }).success).toBe(false);
    expect(issueOf({ prompt: "می‌خواهم 👩‍🎨" })).toBeUndefined(); // joiners belong to some scripts
  });

  test("must make sense together, and fit, before anything is queued", async () => {
    const { ann } = people;
    const cases: [more: object, code: string, sentence: RegExp][] = [
      [{ finetune: "ann/nothing" }, "repo_not_found", /no repo ann\/nothing/],
      [{ revision: "v9" }, "revision_not_found", /v9/],
      [{ finetune: "ann/tiny" }, "bad_request", /is a guide/],
      [{ guide: "ann/watercolor" }, "bad_request", /is no guide/],
      [{ guide: null, cfgSteps: 1 }, "bad_request", /there is no guide/],
      [{ cfgSteps: 5 }, "bad_request", /at most 4/],
      [{ width: 2048, height: 2048 }, "bad_request", /has more pixels than the 1,572,864 of a preview/],
      [{ width: 64 }, "bad_request", /A size has a width and a height/],
      [{ guidanceScale: 1, negativePrompt: "snow" }, "bad_request", /Guidance 1/],
      [{ guidanceScale: 20 }, "bad_request", /outside 1 to \d+, the range this guide was trained on/],
    ];
    for (const [more, code, sentence] of cases) {
      const failure = await refusal(ask(ann, more));
      expect([failure.code, failure.message]).toEqual([code, expect.stringMatching(sentence)]);
    }
    expect(await count()).toBe(0);
  });

  test("is estimated by the rules that it is drawn by", async () => {
    const asked = { finetune: "ann/watercolor", guide: "ann/tiny", steps: 4 };
    for (const more of [
      { width: 2048, height: 2048 },
      { width: 1544, height: 1024 },
      { width: 64 },
      { cfgSteps: 5 },
      { guide: undefined, cfgSteps: 1 },
    ]) {
      const query = { ...asked, ...more };
      const refused = await refusal(ask(people.ann, { ...query, guide: query.guide ?? null }));
      expect(refused.code).toBe("bad_request");
      expect(await refusal(forecastPreview(anonymous, forecastQuery.parse(query)))).toEqual(refused);
    }
    expect(
      await forecastPreview(anonymous, forecastQuery.parse({ ...asked, width: 1536, height: 1024 })),
    ).toMatchObject({ passes: 16 });
  });

  test("must have been inspected, and run", async () => {
    const { ann } = people;
    const { repo } = await newRepoWith(
      ann,
      { name: "raw", kind: "finetune", base: "ann/storybook" },
      { "notes.txt": "nothing" },
    );
    expect(await refusal(ask(ann, { finetune: "ann/raw" }))).toMatchObject({ code: "upload_not_ready" });
    await workOff("inspect");
    expect(await refusal(ask(ann, { finetune: "ann/raw" }))).toMatchObject({ code: "unsupported_model" });
    await commitFiles(repo, await starterFiles("pencil-lora"));
    await workOff("inspect");
    expect(await ask(ann, { finetune: "ann/raw" })).toMatchObject({ state: "queued" });
  });

  test("says why a guide cannot run on a model", async () => {
    const { commitId } = await newRepoWith(
      people.ann,
      { name: "other", kind: "guide" },
      await starterFiles("guide-tiny"),
    );
    await workOff("inspect");
    const row = (await database().inspection.findFirst({ where: { commitId } }))!;
    const facts = row.facts as { signature: object };
    await database().inspection.update({
      where: { id: row.id },
      data: {
        facts: { ...facts, signature: { ...facts.signature, crossAttentionDim: 768, predictionType: "v_prediction" } },
      },
    });
    const failure = await refusal(ask(people.ann, { guide: "ann/other" }));
    expect(failure).toMatchObject({
      code: "pair_does_not_fit",
      detail: {
        reasons: [
          expect.stringMatching(/^width of the text states: made for 768/),
          expect.stringMatching(/^prediction type: made for v_prediction/),
        ],
      },
    });
    expect(failure.message).toMatch(/^The guide ann\/other cannot run on ann\/watercolor: width of the text states/);
  });

  test("is kept whole, with the commits that it is drawn with, however repos move on", async () => {
    const { ann } = people;
    const { id, finetune, guide } = await ask(ann, { finetune: "ann/neon" });
    const [base] = await database().commit.findMany({ where: { repo: { name: "storybook" } } });
    const { recipe } = (await database().preview.findUnique({ where: { id } }))!;
    expect(recipe).toEqual({
      asked: {
        finetune: "ann/neon",
        revision: "HEAD",
        guide: "ann/tiny",
        guideRevision: "HEAD",
        guideStrength: 1,
        prompt: "a big red house in a meadow",
        negativePrompt: null,
        promptSyntax: "plain",
        seed: 5,
        width: null,
        height: null,
        steps: 4,
        guidanceScale: 5,
        guidanceRescale: 0,
        cfgSteps: 0,
        sampler: "ddim",
        clipSkip: 0,
        loraStrength: 1,
      },
      base: { commitId: base!.id, name: "storybook" },
      lowRank: [{ commitId: finetune.commit, name: "neon", path: "neon.safetensors", strength: 1 }],
      notes: [],
      guide: { commitId: guide!.commit, name: "tiny", path: "guide.safetensors" },
    });
    const neon = (await database().repo.findFirst({ where: { name: "neon" } }))!;
    await commitFiles(neon, { "README.md": "moved on" });
    await workOff("inspect");
    const again = await rerunPreview(ann, id, {});
    expect(again.id).not.toBe(id);
    expect([again.finetune, again.guide]).toEqual([finetune, guide]);
    await commitFiles(neon, await starterFiles("neon-lora"));
    await workOff("inspect");
  });
});

describe("the same id", () => {
  test("is the same preview, also when it is asked for many times at once", async () => {
    const id = randomUUID();
    const all = await Promise.all(
      Array.from({ length: 5 }, (_, i) =>
        ask(people.ann, { id: i === 0 ? id.toUpperCase() : id, negativePrompt: i === 0 ? "" : null }),
      ),
    );
    expect(all.map((view) => view.id)).toEqual(Array.from({ length: 5 }, () => id));
    expect(await count()).toBe(1);
    expect(await database().job.count({ where: { kind: "preview", state: "queued" } })).toBe(1);
  });

  test("cannot be that of another preview, or of somebody else's", async () => {
    const { id } = await ask(people.ann);
    expect(await refusal(ask(people.ann, { id, seed: 6 }))).toMatchObject({ code: "conflict" });
    expect(await refusal(ask(people.ben, { id }))).toMatchObject({ code: "conflict" });
    expect(await refusal(rerunPreview(people.ann, id, { id }))).toMatchObject({ code: "conflict" });
  });
});

describe("a preview that waits", () => {
  test("is not there when the queue has no place for it", async () => {
    for (let i = 0; i < 8; i++) await ask(people.ann, { seed: i });
    expect(await refusal(ask(people.ann))).toMatchObject({ code: "queue_full", detail: { waiting: 8 } });
    expect(await count()).toBe(8);
    expect(await ask(people.ben)).toMatchObject({ queue: { ahead: 0 } }); // who asks for less goes first
  });

  test("says its place and how long it takes, as far as anything tells", async () => {
    const { ann } = people;
    const old = await ask(ann);
    expect(old).toMatchObject({
      queue: { ahead: 0, running: 0, workers: 0 },
      estimate: { seconds: null, why: "No worker is online; it begins as soon as one is." },
    });
    const worker = workerRow(3);
    await registerWorker(worker);
    await expect
      .poll(async () => (await getPreview(ann, old.id)).estimate)
      .toEqual({ seconds: null, why: "Nothing has been drawn here yet that tells how long it takes." });
    await draw(old.id);
    await forgetJobs("compute");
    // 16 passes in 6 s, and 2.5 s beside: 40 passes take 15 s
    expect(await ask(ann, { steps: 10 })).toMatchObject({
      queue: { ahead: 0, workers: 1 },
      estimate: { seconds: 18, why: "As long as the last pictures of this model took, step by step." },
    });
    expect((await ask(ann, { guide: null, steps: 10 })).estimate!.seconds).toBe(14);
    await ask(ann, { seed: 9 }); // with these three its places are taken
    expect((await ask(ann, { cfgSteps: 8, steps: 10 })).estimate).toEqual({
      seconds: null,
      why: "How long what is before it takes is not known yet.",
    });
    await workerStopped(worker.id);
  });
});

describe("who may", () => {
  test("run: somebody who is signed in, with the scope, and may read all of it", async () => {
    const { ann, ben } = people;
    expect(await refusal(createPreview(anonymous, asking()))).toMatchObject({ code: "unauthenticated" });
    expect(await refusal(createPreview(tokenOf(ann, "read", "write"), asking()))).toMatchObject({ code: "forbidden" });
    expect(await createPreview(tokenOf(ann, "run"), asking())).toMatchObject({ state: "queued", isMine: true });
    expect(await createPreview(itself, asking())).toMatchObject({ state: "queued", isMine: false });
    for (const name of ["watercolor", "tiny", "storybook"]) {
      await setVisibility(name, "private");
      expect(await refusal(ask(ben, { finetune: name === "storybook" ? "ann/neon" : "ann/watercolor" }))).toMatchObject(
        { code: "repo_not_found" },
      );
      await setVisibility(name, "public");
    }
  });

  test("see: its person and operators, while they may read the repos; everybody, once it is on the model's page", async () => {
    const { ann, ben } = people;
    const operator = await newPerson(`op${randomUUID().slice(0, 8)}`, { isOperator: true });
    const { id } = await ask(ben);
    await draw(id);
    const sees = async (actor: Actor): Promise<boolean> => {
      const [view, listed, picture] = [
        await getPreview(actor, id).catch(() => null),
        (await listPreviews(actor, previewQuery.parse({}))).items,
        await findPicture(actor, id, "cfg", undefined).catch(() => null),
      ];
      expect([listed.length, picture === null]).toEqual(view ? [1, false] : [0, true]);
      return view !== null;
    };
    const everybody = [ben, tokenOf(ben, "run"), operator, itself, ann, anonymous];
    const all = async (): Promise<boolean[]> => Promise.all(everybody.map(sees));
    expect(await all()).toEqual([true, false, true, true, false, false]);
    await attachPreview(operator, id, attachment.parse({ attached: true }));
    expect(await all()).toEqual([true, true, true, true, true, true]);
    await setVisibility("tiny", "private");
    expect(await all()).toEqual([false, false, true, true, true, false]);
    await setVisibility("tiny", "public");
    await setVisibility("watercolor", "private");
    expect(await all()).toEqual([false, false, true, true, true, false]);
    await setVisibility("watercolor", "public");
  });

  test("cancel and delete: its person and operators, with the scope", async () => {
    const { ann, ben } = people;
    const { id } = await ask(ben);
    for (const work of [cancelPreview, deletePreview, (actor: Actor) => rerunPreview(actor, id, {})])
      expect(await refusal(work(ann, id))).toMatchObject({ code: "not_found" });
    await draw(id);
    await attachPreview(await newPerson(`op${randomUUID().slice(0, 8)}`, { isOperator: true }), id, { attached: true });
    for (const work of [cancelPreview, deletePreview])
      expect(await refusal(work(ann, id))).toMatchObject({ code: "forbidden" });
    expect(await rerunPreview(ann, id, {})).toMatchObject({ isMine: true, isAttached: false });
    expect(await refusal(cancelPreview(ben, id))).toMatchObject({ code: "already_ended" });
  });

  test("show it on the model's page: who may write to the model", async () => {
    const { ann, ben } = people;
    const [mine, bens] = [await ask(ann), await ask(ben)];
    expect(await refusal(attachPreview(ann, mine.id, { attached: true }))).toMatchObject({ code: "conflict" });
    await draw(mine.id);
    await draw(bens.id);
    expect(await refusal(attachPreview(ben, bens.id, { attached: true }))).toMatchObject({ code: "forbidden" });
    expect(await refusal(attachPreview(tokenOf(ann, "read", "run"), mine.id, { attached: true }))).toMatchObject({
      code: "forbidden",
    });
    expect(await attachPreview(ann, mine.id, { attached: true })).toMatchObject({ isAttached: true, expiresAt: null });
    expect(await refusal(deletePreview(ann, mine.id))).toMatchObject({ code: "conflict" });
    const { expiresAt } = await attachPreview(ann, mine.id, { attached: false });
    expect(Date.parse(expiresAt!) - Date.now()).toBeGreaterThan(29 * 86_400_000);
    await deletePreview(ann, mine.id);
    expect(await count()).toBe(1);
  });
});

const setVisibility = (name: string, visibility: "public" | "private") =>
  database().repo.updateMany({ where: { name }, data: { visibility } });

test("the list is by page, newest first, and by model, guide, page and person", async () => {
  const { ann, ben } = people;
  const ids: string[] = [];
  for (let i = 0; i < 5; i++)
    ids.unshift(
      (await ask(ann, { seed: i, finetune: i % 2 ? "ann/neon" : "ann/watercolor", ...(i === 0 && { guide: null }) }))
        .id,
    );
  await draw(ids[0]!);
  await attachPreview(ann, ids[0]!, { attached: true });
  const bens = await ask(ben);
  const list = async (actor: Actor, query: object) => listPreviews(actor, previewQuery.parse(query));
  const idsOf = async (actor: Actor, query: object) => (await list(actor, query)).items.map(({ id }) => id);
  const [first, second] = [
    await list(ann, { limit: 2 }),
    await list(ann, { limit: 2, cursor: (await list(ann, { limit: 2 })).next }),
  ];
  const third = await list(ann, { limit: 2, cursor: second.next });
  expect([...first.items, ...second.items, ...third.items].map(({ id }) => id)).toEqual(ids);
  expect(third.next).toBeNull();
  expect(await idsOf(ann, { finetune: "ann/neon" })).toEqual([ids[1], ids[3]]);
  expect(await idsOf(ann, { guide: "ann/tiny" })).toEqual(ids.slice(0, 4));
  expect(await idsOf(ben, {})).toEqual([bens.id, ids[0]]);
  expect(await idsOf(ben, { mine: "true" })).toEqual([bens.id]);
  expect(await idsOf(ben, { attached: "true", finetune: "ann/watercolor" })).toEqual([ids[0]]);
  expect(first.items[0]!.pictures.map(({ mode }) => mode)).toEqual([...modes]);
  expect(await refusal(list(anonymous, { mine: "true" }))).toMatchObject({ code: "unauthenticated" });
  expect(await refusal(list(ann, { cursor: "nonsense" }))).toMatchObject({ code: "bad_request" });
});

test("what a worker writes late changes nothing", async () => {
  const { id } = await ask(people.ann);
  const first = await draw(id, ["conditional"]);
  const second = (await claimJob("preview", id))!;
  const progress = {
    mode: "guide",
    stage: "denoising",
    step: 1,
    steps: 4,
    passes: 1,
    modesDone: ["conditional"],
    picture: null,
  } as const;
  const before = await database().preview.findUnique({ where: { id }, include: { images: true } });
  const png = encodePng({ width: 1, height: 1, rgb: Uint8Array.of(9, 9, 9) }, new Map());
  const late = [
    await saveProgress(id, first, { ...progress, modesDone: ["conditional"] }),
    await recordPicture(
      id,
      first,
      png,
      { mode: "guide", seed: 5n, width: 1, height: 1, passes: 4, milliseconds: 1, recipe: {} as RecipeJson },
      { ...progress, modesDone: ["conditional"] },
    ),
    await recordSuccess(id, first, took(1)),
    await failJob("preview", id, first, { message: "late" }),
  ];
  expect(late).toEqual([false, false, false, false]);
  expect(await database().preview.findUnique({ where: { id }, include: { images: true } })).toEqual(before);
  await cancelPreview(people.ann, id);
  expect([
    await saveProgress(id, second, { ...progress, modesDone: [] }),
    await recordSuccess(id, second, took(1)),
    await failJob("preview", id, second, { message: "late" }),
  ]).toEqual([false, false, false]);
  expect(await claimJob("preview", id)).toBeNull();
});
