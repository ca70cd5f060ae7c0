import { buffer } from "node:stream/consumers";
import { decode } from "fast-png";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { cancelPreview, deletePreview, rerunPreview } from "#lib/catalog/previews/service.ts";
import { findPicture, getPreview } from "#lib/catalog/previews/views.ts";
import { passesOfMode } from "#lib/catalog/previews/passes.ts";
import type { Mode, PreviewView, Progress } from "#lib/catalog/previews/schema.ts";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import { readPngText } from "#lib/picture/png.ts";
import { parseRecipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { previewHandler } from "#workers/hub/handlers/preview.ts";
import { createModels, type Models } from "#workers/hub/models.ts";
import { starter } from "../support/golden.ts";
import { ask, fillPreviewHub, type PreviewHub } from "../support/previews.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { claimJob, failJob, forgetJobs, runJob } from "../support/attempts.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "2" });
const models = createModels(5e9);
let people: PreviewHub;
beforeAll(async () => {
  people = await fillPreviewHub();
});
afterEach(async () => forgetJobs("compute")); // done here without it
afterAll(async () => {
  models.close();
  await hub.close();
});

/** Does a preview as a worker does; what it failed with, or null. */
async function work(
  id: string,
  { signal = new AbortController().signal, using = models }: { signal?: AbortSignal; using?: Models } = {},
): Promise<AppError | null> {
  const attempt = await claimJob("preview", id);
  expect(attempt).not.toBeNull();
  return runJob(previewHandler, "preview", id, attempt!, { signal, models: using }).then(
    () => null,
    (failure: AppError) => failure,
  );
}

async function png(view: PreviewView, mode: Mode): Promise<Buffer> {
  const { storageKey } = await findPicture(people.ann, view.id, mode, undefined);
  return buffer(await objectStore().read(storageKey));
}
const pixels = async (view: PreviewView, mode: Mode): Promise<Uint8Array> =>
  Uint8Array.from(decode(await png(view, mode)).data);
const rows = (id: string) =>
  database().previewImage.findMany({ where: { previewId: id }, orderBy: [{ attempt: "asc" }, { mode: "asc" }] });

describe("a preview", () => {
  test("is three pictures of one seed, with passes, seconds and the recipe that they carry", async () => {
    const { id } = await ask(people.ann);
    expect(await work(id)).toBeNull();
    const view = await getPreview(people.ann, id);
    expect(view).toMatchObject({
      state: "succeeded",
      problem: null,
      progress: null,
      queue: null,
      estimate: null,
      isMine: true,
      isAttached: false,
    });
    expect(view.pictures.map(({ mode, passes, width, height }) => [mode, passes, width, height])).toEqual([
      ["conditional", 4, 128, 128],
      ["guide", 4, 128, 128],
      ["cfg", 8, 128, 128],
    ]);
    for (const { mode, seconds, recipe } of view.pictures) {
      const bytes = await png(view, mode);
      expect(decode(bytes)).toMatchObject({ width: 128, height: 128, channels: 3 });
      const carried = parseRecipe(readPngText(bytes).get("guidepost")!);
      expect(toRecipeJson(carried)).toEqual(recipe);
      expect(carried).toMatchObject({
        mode,
        seed: 5n,
        steps: 4,
        guidanceScale: 5,
        prompt: "a big red house in a meadow",
        model: "watercolor",
        runtime: { provider: "cpu", threads: 2 },
      });
      expect(seconds).toBe(view.timings!.modes[mode]!.seconds);
      expect(seconds).toBeGreaterThan(0);
    }
    const unet = await sha256OfFile(starter("watercolor/unet/diffusion_pytorch_model.safetensors"));
    const guide = await sha256OfFile(starter("guide-tiny/guide.safetensors"));
    const fileOf = (mode: number, role: string): string | undefined =>
      view.pictures[mode]!.recipe!.files.find((file) => file.role === role)?.sha256;
    expect([0, 1, 2].map((mode) => [fileOf(mode, "unet"), fileOf(mode, "guide")])).toEqual([
      [unet, undefined],
      [unet, guide],
      [unet, undefined],
    ]);
    expect(
      new Set(await Promise.all(view.pictures.map(async ({ mode }) => (await pixels(view, mode)).join()))).size,
    ).toBe(3);
  });

  test("run again has the same pixels, also of a fine-tune that is laid over a base", async () => {
    for (const finetune of ["ann/watercolor", "ann/neon"]) {
      const first = await ask(people.ann, { finetune, steps: 3, seed: 7, sampler: "dpmpp-2m" });
      const second = await rerunPreview(people.ann, first.id, {});
      const fresh = createModels(5e9);
      expect([await work(first.id), await work(second.id, { using: fresh })]).toEqual([null, null]);
      fresh.close();
      const [one, two] = [await getPreview(people.ann, first.id), await getPreview(people.ann, second.id)];
      expect(two.finetune).toEqual(one.finetune);
      for (const { mode } of one.pictures) expect(await pixels(two, mode)).toEqual(await pixels(one, mode));
      expect(two.pictures.map(({ recipe }) => recipe)).toEqual(one.pictures.map(({ recipe }) => recipe));
    }
  });

  test("shows a picture before the next is begun, and how far that is with a coarse one", async () => {
    const { id } = await ask(people.ann, { steps: 60 });
    const seen: { progress: Progress; pictures: Mode[] }[] = [];
    const done = work(id);
    for (let state = "queued"; state !== "succeeded";) {
      const { progress, pictures, ...view } = await getPreview(people.ann, id);
      if (progress) seen.push({ progress, pictures: pictures.map(({ mode }) => mode) });
      state = view.state;
    }
    expect(await done).toBeNull();
    for (const { progress, pictures } of seen) expect(pictures).toEqual(expect.arrayContaining(progress.modesDone));
    const guided = seen.filter(
      ({ progress }) => progress.mode === "cfg" && progress.stage === "denoising" && progress.step < 60,
    );
    expect(guided.length).toBeGreaterThan(1);
    expect(guided[0]).toMatchObject({
      pictures: ["conditional", "guide"],
      progress: { steps: 60, passes: 2 * guided[0]!.progress.step },
    });
    const coarse = guided[0]!.progress.picture!;
    expect(coarse).toMatch(/^data:image\/png;base64,/);
    expect(decode(Buffer.from(coarse.split(",")[1]!, "base64"))).toMatchObject({ width: 16, height: 16 });
  });

  test("without a guide has two pictures; with a negative prompt it says who followed it", async () => {
    const { id } = await ask(people.ann, { guide: null, negativePrompt: "snow", steps: 2 });
    expect(await work(id)).toBeNull();
    const view = await getPreview(people.ann, id);
    expect(view.pictures.map(({ mode, recipe }) => [mode, recipe!.negativePrompt])).toEqual([
      ["conditional", null],
      ["cfg", "snow"],
    ]);
    expect(view.timings!.notes).toContain(
      "The conditional picture was drawn without the negative prompt: only CFG can follow one.",
    );
  });

  test("brings back the contrast of what CFG draws, and of nothing else", async () => {
    const plain = await ask(people.ann, { steps: 2 });
    const other = await ask(people.ann, { steps: 2, guidanceRescale: 0.7 });
    expect([await work(plain.id), await work(other.id)]).toEqual([null, null]);
    const [before, after] = [await getPreview(people.ann, plain.id), await getPreview(people.ann, other.id)];
    for (const { mode } of after.pictures) {
      const isSame = String(await pixels(after, mode)) === String(await pixels(before, mode));
      expect([mode, isSame]).toEqual([mode, mode !== "cfg"]);
    }
    expect(after.pictures.map(({ recipe }) => recipe!.guidanceRescale)).toEqual([undefined, undefined, 0.7]);
  });

  test("counts as many passes as its sampler makes", async () => {
    for (const [sampler, steps] of [
      ["heun", 4],
      ["euler-a", 3],
    ] as const) {
      const { id } = await ask(people.ann, { sampler, steps, cfgSteps: 1 });
      expect(await work(id)).toBeNull();
      const { pictures, ...walk } = await getPreview(people.ann, id);
      for (const { mode, passes } of pictures) expect([mode, passes]).toEqual([mode, passesOfMode(mode, walk)]);
    }
  });

  test("in which CFG does the first steps counts two passes for each", async () => {
    const { id } = await ask(people.ann, { cfgSteps: 2, steps: 5 });
    expect(await work(id)).toBeNull();
    expect((await getPreview(people.ann, id)).pictures.map(({ passes }) => passes)).toEqual([5, 7, 10]);
  });
});

describe("a preview that is cancelled", () => {
  test("stops, keeps the picture it has, and is not written to any more", async () => {
    const { id } = await ask(people.ann, { steps: 100 });
    let told = 0;
    const using: Models = {
      ...models,
      run: (job, options) =>
        models.run(job, { ...options, onProgress: (progress) => (told++, options?.onProgress?.(progress)) }),
    };
    const done = work(id, { using });
    await expect.poll(async () => (await getPreview(people.ann, id)).pictures.length, { interval: 20 }).toBe(1);
    expect(await cancelPreview(people.ann, id)).toMatchObject({ state: "cancelled", progress: null });
    const before = told;
    expect((await done)!.code).toBe("cancelled");
    expect(told - before).toBeLessThan(100); // of about two hundred steps that are left
    expect(await getPreview(people.ann, id)).toMatchObject({ state: "cancelled", pictures: [{ mode: "conditional" }] });
    await failJob("preview", id, 1, (await done)!);
    expect(await getPreview(people.ann, id)).toMatchObject({ state: "cancelled", problem: null });
    expect(await cancelPreview(people.ann, id)).toMatchObject({ state: "cancelled" }); // again: nothing more
    expect(await claimJob("preview", id)).toBeNull();
  });

  test("by its worker's stop is another's to do, from the start", async () => {
    const { id } = await ask(people.ann, { steps: 100 });
    const stop = new AbortController();
    const done = work(id, { signal: stop.signal });
    await expect
      .poll(async () => (await getPreview(people.ann, id)).progress?.step ?? 0, { interval: 20 })
      .toBeGreaterThan(3);
    stop.abort();
    expect((await done)!.code).toBe("cancelled");
    expect(await getPreview(people.ann, id)).toMatchObject({ state: "running" });
    expect(await claimJob("preview", id)).toBe(2);
    await cancelPreview(people.ann, id);
  });

  test("and deleted leaves no row", async () => {
    const { id } = await ask(people.ann, { steps: 100 });
    const done = work(id);
    await expect.poll(async () => (await getPreview(people.ann, id)).pictures.length, { interval: 20 }).toBe(1);
    await deletePreview(people.ann, id);
    expect((await done)!.code).toBe("cancelled");
    expect(await database().preview.count({ where: { id } })).toBe(0);
    expect(await rows(id)).toEqual([]);
  });
});

describe("an attempt that comes late", () => {
  test("writes nothing, and stops at its next step", async () => {
    const { id } = await ask(people.ann, { steps: 40 });
    const late = work(id);
    await expect.poll(async () => (await getPreview(people.ann, id)).pictures.length, { interval: 20 }).toBe(1);
    const before = await getPreview(people.ann, id);
    const attempt = await claimJob("preview", id); // its worker was lost, as far as the queue knows
    expect(attempt).toBe(2);
    expect((await late)!.code).toBe("cancelled");
    await failJob("preview", id, 1, (await late)!);
    const after = await getPreview(people.ann, id);
    expect(after).toMatchObject({ state: "running", problem: null, progress: null });
    expect(after.pictures).toEqual(before.pictures); // nobody sees it vanish

    await runJob(previewHandler, "preview", id, 2, { models });
    expect((await rows(id)).map(({ attempt: of, mode }) => [of, mode])).toEqual([
      [2, "conditional"],
      [2, "guide"],
      [2, "cfg"],
    ]);
    const [done] = (await getPreview(people.ann, id)).pictures;
    expect(done!.url).toBe(before.pictures[0]!.url); // the same recipe, so the same bytes
  });
});

describe("a preview that fails", () => {
  test("says why, and keeps what it has", async () => {
    const { id } = await ask(people.ann, { steps: 100 });
    const own = createModels(5e9);
    const done = work(id, { using: own });
    await expect.poll(async () => (await getPreview(people.ann, id)).pictures.length, { interval: 20 }).toBe(1);
    await expect.poll(() => own.loaded().some(({ busy }) => busy), { interval: 5 }).toBe(true);
    process.kill(own.loaded()[0]!.pid!, "SIGKILL");
    const failure = (await done)!;
    own.close();
    expect(failure.code).toBe("inference_died");
    await failJob("preview", id, 1, failure);
    const view = await getPreview(people.ann, id);
    expect(view).toMatchObject({ state: "failed", progress: null, pictures: [{ mode: "conditional" }] });
    expect(view.problem).toMatch(/^The inference process ended in the middle of its work \(SIGKILL\)/);
  });

  test("because its base is gone names it", async () => {
    const { id } = await ask(people.ann, { finetune: "ann/neon", guide: null });
    await database().repo.updateMany({ where: { name: "storybook" }, data: { deletedAt: new Date() } });
    expect(await work(id)).toMatchObject({
      code: "not_found",
      message: expect.stringMatching(/^The repo storybook is gone/) as string,
    });
    await database().repo.updateMany({ where: { name: "storybook" }, data: { deletedAt: null } });
  });
});
