import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { anonymous } from "#lib/auth/actor.ts";
import { forecastPreview } from "#lib/catalog/previews/forecast.ts";
import { forecastQuery, type PreviewView } from "#lib/catalog/previews/schema.ts";
import { getPreview } from "#lib/catalog/previews/views.ts";
import { getPrompting } from "#lib/catalog/prompting/service.ts";
import { openRecipe } from "#lib/catalog/recipes/service.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { updateRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import { toInfotext } from "#lib/picture/infotext.ts";
import { parseRecipe, type Recipe, serialiseRecipe } from "#lib/picture/recipe.ts";
import { registerWorker, workerStopped } from "#lib/queue/workers.ts";
import { newRepoWith, starterFiles, workOff } from "../../support/evidence.ts";
import { ask, fillPreviewHub, type PreviewHub } from "../../support/previews.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { forgetJobs } from "../../support/attempts.ts";
import { workerRow } from "../../support/worker-row.ts";

const hub = await useTempHub();
let people: PreviewHub;
let drawn: PreviewView;
const recipeOf = (mode: string): Recipe =>
  parseRecipe(JSON.stringify(drawn.pictures.find((picture) => picture.mode === mode)!.recipe!));
const open = (who: Parameters<typeof openRecipe>[0], recipe: Recipe) =>
  openRecipe(who, { guidepost: serialiseRecipe(recipe) });

beforeAll(async () => {
  people = await fillPreviewHub();
  const { id } = await ask(people.ann, { finetune: "ann/neon", steps: 2 });
  await workOff("preview");
  drawn = await getPreview(people.ann, id);
  await forgetJobs("compute");
});
afterEach(async () => {
  await forgetJobs("compute");
});
afterAll(() => hub.close());

test("a model is prompted with what its base is measured with, whole or low-rank; a guide with nothing of its own", async () => {
  for (const name of ["ann/storybook", "ann/watercolor", "ann/neon"]) {
    // On a busy machine a first read gives up on the store's text, and the next one finds it.
    await expect.poll(async () => (await getPrompting(anonymous, toRepoName(name))).suggestions.length).toBe(12);
    const { suggestions, words, triggers } = await getPrompting(anonymous, toRepoName(name));
    expect([
      name,
      suggestions.length,
      suggestions[0],
      words?.includes("mushroom"),
      words?.includes("spaceship"),
      triggers,
    ]).toEqual([name, 12, "a small green heart at night", true, false, []]);
  }
  await expect(getPrompting(anonymous, toRepoName("ann/tiny"))).rejects.toMatchObject({ code: "bad_request" });
});

test("its own card comes first, and what triggers a low-rank style stands in front of each prompt", async () => {
  const { "README.md": _, ...files } = await starterFiles("neon-lora");
  const card =
    "---\nbase_model: ann/storybook\ninstance_prompt: in neon\nwidget:\n  - text: a house\n  - text: a tree in neon\n---\n";
  await newRepoWith(
    people.ann,
    { name: "glow", kind: "finetune", base: "ann/storybook", visibility: "private" },
    { ...files, "README.md": card },
  );
  await workOff("inspect");
  expect(await getPrompting(people.ann, toRepoName("ann/glow"))).toMatchObject({
    suggestions: ["in neon, a house", "a tree in neon"],
    triggers: [{ words: "in neon", from: "its card", declared: true }],
  });
  await expect(getPrompting(people.ben, toRepoName("ann/glow"))).rejects.toMatchObject({ code: "repo_not_found" });
});

test("a base that somebody may not see tells nothing of its words", async () => {
  await updateRepo(people.ann, toRepoName("ann/storybook"), { visibility: "private" });
  try {
    expect(await getPrompting(people.ben, toRepoName("ann/neon"))).toMatchObject({ suggestions: [], words: null });
    expect((await getPrompting(people.ann, toRepoName("ann/neon"))).words).not.toBeNull();
  } finally {
    await updateRepo(people.ann, toRepoName("ann/storybook"), { visibility: "public" });
  }
});

test("before it is asked for a preview says its passes, what is before it and how long it would take", async () => {
  const query = (more: object = {}) =>
    forecastQuery.parse({ finetune: "ann/neon", guide: "ann/tiny", steps: "20", ...more });
  expect(await forecastPreview(anonymous, query())).toMatchObject({
    seconds: null,
    workers: 0,
    ahead: 0,
    passes: 80,
    why: expect.stringContaining("No worker is online"),
  });
  const worker = workerRow(1);
  await registerWorker(worker);
  try {
    // What the queue looks like is read four times a second for all who ask.
    await expect.poll(async () => (await forecastPreview(anonymous, query({ steps: "1" }))).workers).toBe(1);
    const short = await forecastPreview(anonymous, query({ steps: "1" }));
    const long = await forecastPreview(anonymous, query({ steps: "100", cfgSteps: "50" }));
    expect([short.passes, long.passes, short.workers]).toEqual([4, 450, 1]);
    expect(long.seconds!).toBeGreaterThan(short.seconds!);
    await ask(people.ann, { seed: 1 });
    await ask(people.ben, { seed: 2 });
    expect((await forecastPreview(anonymous, query())).ahead).toBe(2);
  } finally {
    await workerStopped(worker.id);
  }
  await updateRepo(people.ann, toRepoName("ann/neon"), { visibility: "private" });
  await expect(forecastPreview(people.ben, query())).rejects.toMatchObject({ code: "repo_not_found" });
  await updateRepo(people.ann, toRepoName("ann/neon"), { visibility: "public" });
});

test("what no worker could hold is said before it is asked for, as it is said then", async () => {
  const worker = { ...workerRow(1), memory: 160e6 };
  await database().worker.deleteMany();
  await registerWorker(worker);
  try {
    const size = { width: 1024, height: 1024 };
    const refusal = await ask(people.ann, size).catch((cause: AppError) => cause);
    expect(refusal).toMatchObject({ code: "too_little_memory" });
    const query = forecastQuery.parse({ finetune: "ann/neon", guide: "ann/tiny", ...size });
    expect(await forecastPreview(people.ann, query)).toMatchObject({
      seconds: null,
      why: (refusal as AppError).message,
    });
  } finally {
    await workerStopped(worker.id);
    await database().worker.deleteMany();
  }
});

test("a recipe finds its files by their hashes, for whoever may see them", async () => {
  const guided = await open(people.ben, recipeOf("guide"));
  expect(guided).toMatchObject({
    prompt: "a big red house in a meadow",
    seed: 5,
    steps: 2,
    mode: "guide",
    finetune: { repo: "ann/neon", isHead: true, commit: drawn.finetune.commit },
    guide: { repo: "ann/tiny", isHead: true },
    missing: [],
    notes: [],
  });
  expect(await open(people.ben, recipeOf("cfg"))).toMatchObject({
    mode: "cfg",
    guide: null,
    finetune: { repo: "ann/neon" },
  });

  await updateRepo(people.ann, toRepoName("ann/tiny"), { visibility: "private" });
  expect(await open(people.ben, recipeOf("guide"))).toMatchObject({ guide: null, missing: [{ role: "guide" }] });
  expect((await open(people.ann, recipeOf("guide"))).guide).toMatchObject({ repo: "ann/tiny" });
  await updateRepo(people.ann, toRepoName("ann/tiny"), { visibility: "public" });

  const other = recipeOf("guide");
  const foreign = {
    ...other,
    files: other.files.map((file) =>
      file.role === "lora" ? { ...file, sha256: "0".repeat(64), strength: 0.5 } : file,
    ),
  };
  expect(await open(people.ann, foreign)).toMatchObject({
    finetune: { repo: "ann/storybook" },
    missing: [{ role: "lora", hash: "0".repeat(64) }],
    notes: [],
  });
});

test("so do generation parameters of other tools, by short hashes and else by names; what is no recipe is refused", async () => {
  expect(await openRecipe(people.ben, { parameters: toInfotext(recipeOf("guide")) })).toMatchObject({
    finetune: { repo: "ann/neon" },
    guide: { repo: "ann/tiny" },
    seed: 5,
    sampler: "ddim",
    missing: [],
    notes: [],
  });
  const theirs = "a fox\nSteps: 28, Sampler: Euler a, CFG scale: 7, Seed: 3, Model hash: 0123456789, Model: watercolor";
  expect(await openRecipe(anonymous, { parameters: theirs })).toMatchObject({
    prompt: "a fox",
    promptSyntax: "a1111",
    sampler: "euler-a",
    finetune: { repo: "ann/watercolor" },
    notes: [expect.stringContaining("graphics card")],
  });
  expect(await openRecipe(anonymous, { parameters: theirs.replace("watercolor", "dreamland") })).toMatchObject({
    finetune: null,
    missing: [{ role: "model", name: "dreamland", hash: "0123456789" }],
  });
  for (const texts of [{}, { parameters: "a poem" }, { guidepost: "{}" }])
    await expect(openRecipe(anonymous, texts)).rejects.toMatchObject({ code: "bad_request" });
});
