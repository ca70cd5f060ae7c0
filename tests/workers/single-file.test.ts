import { buffer } from "node:stream/consumers";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { findInspection } from "#lib/catalog/inspections/service.ts";
import { runnableModel } from "#lib/catalog/models/service.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { newPreview, type PreviewView } from "#lib/catalog/previews/schema.ts";
import { findPicture, getPreview } from "#lib/catalog/previews/views.ts";
import { openRecipe } from "#lib/catalog/recipes/service.ts";
import { getRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { readPngText } from "#lib/picture/png.ts";
import { closeQueue } from "#lib/queue/boss.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../support/actors.ts";
import { adapterFile, commitFiles, familyFiles, newRepoWith, singleFileFiles, workOff } from "../support/evidence.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { forgetJobs } from "../support/attempts.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
let ann: Person;
const ids: Record<string, string> = {};
const factsOf = async (name: string) => (await findInspection(ids[name]!))!;

beforeAll(async () => {
  ann = await newPerson("ann");
  const add = async (...[repo, files]: [Parameters<typeof newRepoWith>[1], Parameters<typeof newRepoWith>[2]]) =>
    void (ids[repo.name] = (await newRepoWith(ann, repo, files)).commitId);
  await add({ name: "folder", kind: "base" }, await familyFiles("sdxl"));
  await add({ name: "one-file", kind: "finetune", base: "ann/folder" }, await singleFileFiles("sdxl"));
  await add(
    { name: "ink", kind: "finetune", base: "ann/folder" },
    { "ink.safetensors": await adapterFile("xl-kohya-ldm") },
  );
  await workOff("inspect");
});
afterAll(async () => {
  await closeQueue();
  await hub.close();
});

async function draw(more: object): Promise<PreviewView> {
  const asked = { prompt: "a red fox", seed: 5, steps: 2, ...more };
  const { id } = await createPreview(ann, newPreview.parse(asked));
  await workOff("preview");
  await forgetJobs("compute");
  const view = await getPreview(ann, id);
  expect(view.problem).toBeNull();
  return view;
}

async function pngs(view: PreviewView): Promise<Buffer[]> {
  const found = view.pictures.map(async ({ mode }) => {
    const { storageKey } = await findPicture(ann, view.id, mode, undefined);
    return buffer(await objectStore().read(storageKey));
  });
  return Promise.all(found);
}
const pixels = async (view: PreviewView) => (await pngs(view)).map((png) => decode(png).data.join());

describe("a checkpoint in one file, its configs beside it", () => {
  test("is what its folder is: the same contract and size, its base found by its weights", async () => {
    const [folder, file] = [await factsOf("folder"), await factsOf("one-file")];
    expect(folder.facts).toMatchObject({ kind: "diffusers folder", runs: true, nativeSize: { width: 16, height: 16 } });
    expect(file.facts).toMatchObject({
      kind: "single-file checkpoint",
      runs: true,
      problems: [],
      mainFile: "sdxl-tiny.safetensors",
      nativeSize: { width: 16, height: 16 },
      detectedBase: { commitId: ids["folder"], how: "by its weights", medianCosine: expect.closeTo(1, 3) },
      agrees: true,
    });
    expect(file.facts!.files.map(({ role, path }) => `${role} ${path}`).slice(0, 3)).toEqual([
      "checkpoint sdxl-tiny.safetensors",
      "config unet/config.json",
      "config text_encoder/config.json",
    ]);
    expect(file.contract).toBe(folder.contract);
    expect(file.weightsSha256).toMatch(/^[0-9a-f]{64}$/);
    expect(await runnableModel(ids["one-file"]!)).toEqual({
      base: { commitId: ids["one-file"], name: "one-file" },
      lowRank: [],
    });
  });

  test("draws what its folder draws, to the last pixel", async () => {
    const settings = { width: 72, height: 64, sampler: "euler" };
    const [folder, file] = [
      await draw({ finetune: "ann/folder", ...settings }),
      await draw({ finetune: "ann/one-file", ...settings }),
    ];
    expect(file.pictures.map(({ mode, width, height }) => [mode, width, height])).toEqual([
      ["conditional", 72, 64],
      ["cfg", 72, 64],
    ]);
    expect(await pixels(file)).toEqual(await pixels(folder));
    expect(file.pictures[0]!.recipe!.files[0]).toMatchObject({ role: "checkpoint", name: "sdxl-tiny.safetensors" });
  });

  test("is the base of a low-rank file, which fits it by the configs beside it", async () => {
    const { commitId } = await newRepoWith(ann, { name: "file-base", kind: "base" }, await singleFileFiles("sdxl"));
    const { commitId: lora } = await newRepoWith(
      ann,
      { name: "ink-of-file", kind: "finetune", base: "ann/file-base" },
      { "ink2.safetensors": await adapterFile("xl-kohya-ldm") },
    );
    await workOff("inspect");
    expect((await findInspection(lora))!.facts).toMatchObject({
      runs: true,
      detectedBase: { commitId, how: "by its shapes" },
      agrees: true,
    });
    const [own, other] = [await draw({ finetune: "ann/ink-of-file" }), await draw({ finetune: "ann/ink" })];
    expect(await pixels(own)).toEqual(await pixels(other));
  });
});

describe("what decides a picture", () => {
  test("a LoRA at half its strength, at none and at all of it are three pictures; at none it is the base", async () => {
    const all = [];
    for (const loraStrength of [0, 0.5, 1]) all.push(await draw({ finetune: "ann/ink", loraStrength }));
    const drawn = await Promise.all(all.map(pixels));
    expect(new Set(drawn.map(String)).size).toBe(3);
    expect(drawn[0]).toEqual(await pixels(await draw({ finetune: "ann/folder" })));
    expect(all[1]!.pictures[0]!.recipe!.files.find(({ role }) => role === "lora")).toMatchObject({ strength: 0.5 });
    await expect(
      createPreview(ann, newPreview.parse({ finetune: "ann/folder", prompt: "a", seed: 1, loraStrength: 0.5 })),
    ).rejects.toMatchObject({ code: "bad_request", detail: { field: "loraStrength" } });
  });

  test("a prompt in the field's syntax asks for a LoRA by its name, and what is not here is said", async () => {
    const asked = { finetune: "ann/one-file", promptSyntax: "a1111" };
    const view = await draw({ ...asked, prompt: "a red fox <lora:ink:0.5> <lora:nobody:1>" });
    expect(view.timings!.notes).toEqual([
      expect.stringMatching(/^“<lora:nobody:1>” was left out: no LoRA of that name/),
    ]);
    expect(await pixels(view)).toEqual(await pixels(await draw({ finetune: "ann/ink", loraStrength: 0.5 })));
    const literal = await draw({ finetune: "ann/one-file", prompt: "a red fox <lora:ink:0.5>" });
    expect(literal.timings!.notes.join()).toMatch(/taken literally; choose the prompt syntax of A1111 to/);
  });

  test("a seed of 64 bits is kept to its last digit, in the row, the answer and the picture", async () => {
    for (const seed of ["18446744073709551615", "9007199254740993"]) {
      const view = await draw({ finetune: "ann/folder", seed });
      expect([view.seed, view.pictures[0]!.recipe!.seed]).toEqual([seed, seed]);
      const rows = await database().$queryRaw<{ seed: string }[]>`
        SELECT seed::text FROM preview_image WHERE preview_id = ${view.id}::uuid`;
      expect(rows).toEqual([{ seed }, { seed }]);
      const opened = await openRecipe(ann, { guidepost: readPngText((await pngs(view))[0]!).get("guidepost")! });
      expect(opened).toMatchObject({ seed, width: null, height: null, finetune: { repo: "ann/folder" } });
    }
    expect((await draw({ finetune: "ann/folder", seed: "7" })).seed).toBe(7);
  });

  test("a size is one that a preview may have", async () => {
    const asking = (size: object) =>
      createPreview(ann, newPreview.parse({ finetune: "ann/folder", prompt: "a", seed: 1, ...size }));
    await expect(asking({ width: 64 })).rejects.toMatchObject({ code: "bad_request", detail: { field: "height" } });
    await expect(asking({ width: 2048, height: 1024 })).rejects.toMatchObject({
      message: expect.stringMatching(/^2048 × 1024 has more pixels than the 1,572,864 of a preview/),
    });
  });
});

describe("a picture made elsewhere", () => {
  const infotext = (settings: string, prompt = "(a red fox:1.2), [snow]"): string =>
    `${prompt}\nNegative prompt: blurry\nSteps: 12, ${settings}`;

  test("opens with its model, LoRAs, size, sampler, seed and syntax; what is not here is named", async () => {
    const opened = await openRecipe(anonymous, {
      parameters: infotext(
        "Sampler: DPM++ 3M SDE Karras, CFG scale: 30, Seed: 18446744073709551615, Size: 832x1216, Model: one-file, Clip skip: 2, RNG: CPU",
        "(a red fox:1.2) <lora:ink:0.6> <lora:lost:1>",
      ),
    });
    expect(opened).toMatchObject({
      prompt: "(a red fox:1.2) <lora:ann/ink:0.6>",
      promptSyntax: "a1111",
      negativePrompt: "blurry",
      seed: "18446744073709551615",
      sampler: "dpmpp-2m-sde",
      guidanceScale: 20,
      width: 832,
      height: 1216,
      clipSkip: 1,
      finetune: { repo: "ann/one-file" },
      missing: [{ role: "lora", name: "lost" }],
    });
    expect(opened.notes).toEqual([
      expect.stringMatching(/“DPM\+\+ 3M SDE Karras” .* the nearest here is dpmpp-2m-sde/),
      "Its guidance was 30; a preview takes at most 20.",
      "ann/ink is asked for in the prompt, with the strength that it had.",
    ]);
  });

  test("a LoRA on its own base is the model, with its strength; too large a size is said", async () => {
    expect(
      await openRecipe(anonymous, {
        parameters: infotext(
          "Sampler: Euler, CFG scale: 7, Seed: 3, Size: 4096x4096, Model: folder, RNG: CPU",
          "a fox <lora:ink:0.6>",
        ),
      }),
    ).toMatchObject({
      prompt: "a fox",
      finetune: { repo: "ann/ink" },
      loraStrength: 0.6,
      width: null,
      height: null,
      sampler: "euler",
      missing: [],
      notes: [expect.stringMatching(/^It has 4096 × 4096 pixels\. Each side must be a multiple of 8 from 64 to 2048/)],
    });
  });
});

test("what cannot run says so in lists and to whoever asks for a picture", async () => {
  const { "sd1-tiny.safetensors": file } = await singleFileFiles("sd1");
  const { commitId, repo } = await newRepoWith(ann, { name: "bare", kind: "base" }, { "odd.safetensors": file! });
  await workOff("inspect");
  expect((await findInspection(commitId))!.facts).toMatchObject({ kind: "single-file checkpoint", runs: false });
  const { facts } = await getRepo(anonymous, { owner: "ann", repo: "bare" });
  expect(facts).toMatchObject({
    runs: false,
    whyNot: expect.stringMatching(/put the configs of its parts beside it, .*unet\/config\.json/),
  });
  await expect(draw({ finetune: "ann/bare" })).rejects.toMatchObject({
    code: "unsupported_model",
    message: `bare cannot be used. ${facts!.whyNot}`,
  });
  // As it says.
  await commitFiles(repo, await singleFileFiles("sd1"));
  await workOff("inspect");
  expect((await getRepo(anonymous, { owner: "ann", repo: "bare" })).facts).toMatchObject({ runs: true, whyNot: null });
});
