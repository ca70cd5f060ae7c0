import { readFile } from "node:fs/promises";
import { decode } from "fast-png";
import type { Page } from "playwright-core";
import { expect, test } from "vitest";
import type { PreviewView } from "#lib/catalog/previews/schema.ts";
import { readPngText } from "#lib/picture/png.ts";
import { parseRecipe } from "#lib/picture/recipe.ts";
import { eventually, must } from "../support/hub-member.ts";
import { processesOf } from "../support/running-hub.ts";
import { blendOfSecond, expectBlinking } from "./compared.ts";
import { dropOn } from "./drop-on.ts";
import { expectFields } from "./fields.ts";
import type { Story } from "./stories.ts";

const MODEL = "guidepost/pixel";
const GUIDE = "guidepost/guide-tiny";

/** The preview studio, told in order: what is drawn first is looked at, opened again and drawn again. */
export const preview: Story = (stage) => {
  let drawn = "";
  let png: Buffer;

  const previewOf = async (id: string): Promise<PreviewView> =>
    must(200, await stage().ann.ask("GET", `/previews/${id}`)).body as PreviewView;
  const ask = async (more: object = {}): Promise<string> =>
    (
      must(
        202,
        await stage().ann.ask("POST", "/previews", {
          finetune: MODEL,
          guide: GUIDE,
          prompt: "a big red boat at sea",
          seed: 4,
          ...more,
        }),
      ).body as PreviewView
    ).id;
  const ended = (id: string): Promise<PreviewView> =>
    eventually(
      "the preview",
      () => previewOf(id),
      ({ state }) => state !== "queued" && state !== "running",
    );
  const idOf = (page: Page): string => /\/previews\/([0-9a-f-]{36})/.exec(page.url())![1]!;
  /** A low-rank fine-tune with one weight that is no number: it is found when it draws. */
  const brokenModel = async (): Promise<string> => {
    const { ann } = stage();
    const repo = await ann.newRepo(`not-a-number-${Date.now().toString(36)}`, { base: "guidepost/storybook" });
    const file = Buffer.from(await readFile(new URL("../../starter/pixel-lora/pixel.safetensors", import.meta.url)));
    const begin = 8 + Number(file.readBigUInt64LE());
    const header = JSON.parse(file.toString("utf8", 8, begin)) as Record<
      string,
      { readonly data_offsets: readonly [number, number] }
    >;
    file.writeUInt16LE(
      0x7e00,
      begin + Object.entries(header).find(([name]) => name.endsWith("lora_up.weight"))![1].data_offsets[0],
    );
    must(
      201,
      await ann.commit(repo, [
        { op: "add", path: "broken.safetensors", upload: await ann.verified(repo, "broken.safetensors", file) },
      ]),
    );
    await eventually(
      "its inspection",
      async () => (await ann.ask("GET", `/repos/${repo}/inspection`)).body as { state: string },
      ({ state }) => state === "succeeded",
    );
    return repo;
  };
  /** The size of a picture of something unfinished and how it is made larger, as soon as one is shown. */
  const coarsePicture = async (page: Page): Promise<readonly [number, number, string]> => {
    const handle = await page.waitForFunction(() => {
      const image = document.querySelector<HTMLImageElement>('figure img[src^="data:image/png;base64,"]');
      if (!image?.complete || image.naturalWidth === 0) return null;
      return [image.naturalWidth, image.naturalHeight, getComputedStyle(image).imageRendering] as const;
    });
    return (await handle.jsonValue())!;
  };
  /** The pixels, whatever text stands beside them. */
  const pixelsOf = async (view: PreviewView, mode: string): Promise<Buffer> =>
    Buffer.from(
      decode(
        new Uint8Array(
          await (
            await fetch(view.pictures.find((picture) => picture.mode === mode)!.url, {
              headers: stage().ann.authorization,
            })
          ).arrayBuffer(),
        ),
      ).data.buffer,
    );

  test("opens with everything filled in for the model: its guides, the best of them, a prompt that suits, how long it takes", async () => {
    await eventually(
      "both guides known",
      async () => (await stage().ann.ask("GET", `/repos/${MODEL}/guides`)).body.items as unknown[],
      (items) => items.length === 2,
    );
    const page = await stage().open(`/preview?finetune=${MODEL}&guide=${GUIDE}`, { as: stage().ann });
    await expectFields(page, {
      Model: MODEL,
      Guide: GUIDE,
      Prompt: "a small green heart at night",
      Seed: "1",
      Steps: "20",
      Guidance: "5",
    });
    await expect
      .poll(() => page.getByRole("row").allInnerTexts())
      .toEqual([
        expect.stringMatching(/no guidance\s+20 passes/),
        expect.stringMatching(/guide\s+20 passes/),
        expect.stringMatching(/CFG\s+40 passes/),
      ]);
    await expect.poll(() => page.locator("[data-forecast]").innerText()).toMatch(/about \d+ s|not known yet/i);
    await page.waitForURL(/seed=1/);
    expect(new URL(page.url()).searchParams.get("finetune")).toBe(MODEL);
    await page.context().close();
  });

  test("names the words that the model does not know, takes a suggestion, and says anew what a change costs", async () => {
    const page = await stage().open(`/preview?finetune=${MODEL}&guide=${GUIDE}`, { as: stage().ann });
    await page.getByLabel("Prompt", { exact: true }).fill("a big spaceship at sea");
    await page.getByText("The model does not know “spaceship”; it knows 31 words, like").waitFor();
    await expect.poll(() => page.getByRole("button", { name: "Run preview" }).isEnabled()).toBe(true);
    await page.getByRole("link", { name: "a big red rocket at sunset" }).click();
    await expectFields(page, { Prompt: "a big red rocket at sunset" });
    await page.getByText("and all of yours").waitFor();

    const asked = page.waitForRequest((request) => /estimate\?.*steps=100/.test(request.url()));
    await page.getByLabel("Steps", { exact: true }).fill("100");
    await asked;
    await expect.poll(() => page.getByRole("row").last().innerText()).toMatch(/CFG\s+200 passes/);
    await expect.poll(() => page.url()).toMatch(/prompt=a\+big\+red\+rocket\+at\+sunset.*steps=100/);
    await page.reload();
    await expectFields(page, { Prompt: "a big red rocket at sunset", Steps: "100" });

    await page.getByText("Negative prompt, prompt syntax, CFG steps, guide strength and more").click();
    await page.getByLabel("CFG steps first", { exact: true }).fill("5");
    await expect.poll(() => page.getByRole("row").nth(1).innerText()).toMatch(/guide\s+5 of CFG first\s+105 passes/);
    await page.getByLabel("Guide", { exact: true }).selectOption("none");
    await page.waitForURL(/guide=none/);
    await expect.poll(() => page.getByRole("row").count()).toBe(2);
    await page.context().close();
  });

  test("draws: coarse pictures while it goes on, then three pictures, compared by keyboard", async () => {
    const page = await stage().open(
      `/preview?finetune=${MODEL}&guide=${GUIDE}&prompt=a+big+red+boat+at+sea&seed=3&steps=100`,
      { as: stage().ann },
    );
    const step = page.getByText(/step \d+ of 100 · \d+ passes/).waitFor(); // neither stays for long
    const coarse = coarsePicture(page);
    await page.getByRole("button", { name: "Run preview" }).click();
    await page.waitForURL(/\/previews\/[0-9a-f-]{36}/);
    drawn = idOf(page);
    expect(await coarse).toEqual([16, 16, "pixelated"]);
    await step;
    const divider = page.getByRole("slider", { name: /^Divider: CFG on the left, guide on the right$/ });
    await divider.waitFor();
    await expect
      .poll(() => page.getByRole("row").allInnerTexts())
      .toEqual(
        expect.arrayContaining([
          expect.stringMatching(/guide\s+100 passes\s+\d+\.\d\d s/),
          expect.stringMatching(/CFG\s+200 passes\s+\d+\.\d\d s/),
        ]),
      );
    await divider.focus();
    await page.keyboard.press("ArrowRight");
    await expect.poll(() => divider.getAttribute("aria-valuetext")).toBe("51% CFG");
    await page.getByRole("button", { name: /^Difference/ }).click();
    await expect.poll(() => blendOfSecond(page)).toBe("difference");
    await page.getByRole("button", { name: "Blink" }).click();
    await expectBlinking(page);
    await page.getByRole("button", { name: "Side by side" }).click();
    await expect
      .poll(() =>
        page
          .locator("figure img")
          .evaluateAll((all) =>
            all.map((image) => [(image as HTMLImageElement).naturalWidth, image.getBoundingClientRect().width % 128]),
          ),
      )
      .toEqual([
        [128, 0],
        [128, 0],
        [128, 0],
      ]);
    await page.context().close();
  });

  test("a link restores everything, down to the commits", async () => {
    const page = await stage().open(`/previews/${drawn}`, { as: stage().ann });
    await page.context().grantPermissions(["clipboard-read", "clipboard-write"]);
    await page.getByRole("button", { name: "Copy link" }).click();
    await page.getByRole("button", { name: "Link copied" }).waitFor();
    const link = new URL(await page.evaluate(() => navigator.clipboard.readText()));
    const { finetune } = await previewOf(drawn);
    expect(link.searchParams.get("revision")).toBe(finetune.commit);
    const other = await stage().open(link.pathname + link.search); // whoever gets it, signed in or not
    await expectFields(other, { Model: MODEL, Guide: GUIDE, Prompt: "a big red boat at sea", Seed: "3", Steps: "100" });
    await other.getByRole("link", { name: "Sign in to run previews" }).waitFor();
    await other.context().close();
    await page.context().close();
  });

  test("a PNG carries its recipe, and dropped on the studio it opens it again", async () => {
    const page = await stage().open(`/previews/${drawn}`, { as: stage().ann });
    const download = page.waitForEvent("download");
    await page.getByRole("link", { name: "Download PNG: guide" }).click();
    const file = await download;
    expect(file.suggestedFilename()).toBe(`${drawn}-guide.png`);
    png = await readFile(await file.path());
    expect(parseRecipe(readPngText(png).get("guidepost")!)).toMatchObject({
      mode: "guide",
      prompt: "a big red boat at sea",
      seed: 3n,
      steps: 100,
    });

    await page.goto(`${stage().url}/preview?finetune=guidepost/storybook`);
    await dropOn(page, png, "boat.png");
    await page
      .getByText("boat.png, a picture with a guide, is open again: guidepost/pixel with guidepost/guide-tiny.")
      .waitFor();
    await page.waitForURL(/finetune=guidepost%2Fpixel/);
    await expectFields(page, { Model: MODEL, Guide: GUIDE, Prompt: "a big red boat at sea", Seed: "3", Steps: "100" });

    // The same as text for other tools, whose model is not here; then a picture that says nothing.
    const { encodePng } = await import("#lib/picture/png.ts");
    const dot = { width: 1, height: 1, rgb: Uint8Array.of(1, 2, 3) };
    await dropOn(
      page,
      encodePng(
        dot,
        new Map([
          [
            "parameters",
            "a small tree\nNegative prompt: night\nSteps: 12, Sampler: DDIM, CFG scale: 3, Seed: 9, Model hash: 0123456789, Model: dreamland",
          ],
        ]),
      ),
      "theirs.png",
    );
    await page.getByText("Not on this hub, or not for you to see: the model dreamland (0123456789).").waitFor();
    await page.getByText("the same seed is another picture here").waitFor();
    await expectFields(page, {
      Prompt: "a small tree",
      Seed: "9",
      Steps: "12",
      Guidance: "3",
      "Negative prompt": "night",
    });
    await dropOn(page, encodePng(dot, new Map()), "plain.png");
    await page.getByRole("alert").getByText("plain.png carries no recipe").waitFor();
    await page.context().close();
  });

  test("run again, it is the same to the last pixel", async () => {
    const page = await stage().open(`/previews/${drawn}`, { as: stage().ann });
    await page.getByRole("button", { name: "Run again" }).click();
    await page.waitForURL((url) => url.pathname.startsWith("/previews/") && !url.pathname.endsWith(drawn));
    const [before, again] = [await previewOf(drawn), await ended(idOf(page))];
    await page.getByRole("slider", { name: /^Divider/ }).waitFor();
    for (const mode of ["conditional", "guide", "cfg"])
      expect([mode, Buffer.compare(await pixelsOf(before, mode), await pixelsOf(again, mode))]).toEqual([mode, 0]);
    expect(Buffer.compare(await pixelsOf(before, "guide"), await pixelsOf(before, "cfg"))).not.toBe(0);
    await page.context().close();
  });

  test("cancelled, it stops, and says what is there", async () => {
    const others = [
      await ask({ steps: 100, seed: 81 }),
      await ask({ steps: 100, seed: 82 }),
      await ask({ steps: 100, seed: 83 }),
    ]; // all places are taken, so that it takes long
    const id = await ask({ steps: 100, seed: 8 });
    const page = await stage().open(`/previews/${id}`, { as: stage().ann });
    await page.getByRole("button", { name: "Cancel" }).click();
    await page.getByText(/^It was cancelled/).waitFor();
    expect((await previewOf(id)).state).toBe("cancelled");
    await page.getByRole("button", { name: "Run again" }).waitFor();
    for (const other of others) await stage().ann.ask("POST", `/previews/${other}/cancel`);
    await page.context().close();
  });

  test("shown on the model's page it is for everybody, and taken off it can be deleted", async () => {
    const page = await stage().open(`/previews/${drawn}`, { as: stage().ann });
    expect((await stage().ben.ask("GET", `/previews/${drawn}`)).status).toBe(404);
    await page.getByRole("button", { name: "Show on the model's page" }).click();
    await page.getByText("Shown on the model's page, and kept.").waitFor();
    expect((await stage().ben.ask("GET", `/previews/${drawn}`)).status).toBe(200);
    await page.getByRole("button", { name: "Take off the model's page" }).click();
    await page.getByText(/^Kept until/).waitFor();
    const id = await ask({ steps: 1 });
    await ended(id);
    await page.goto(`${stage().url}/previews/${id}`);
    await page.getByText("Delete…").click();
    await page.getByRole("button", { name: "Delete this preview" }).click();
    await page.waitForURL(/\/previews$/);
    expect((await stage().ann.ask("GET", `/previews/${id}`)).status).toBe(404);
    await page.context().close();
  });

  test("works before any script has come: the form, its mistakes, and a page that loads itself again", async () => {
    const page = await stage().open(`/preview?finetune=${MODEL}&guide=${GUIDE}&seed=6&steps=2`, {
      as: stage().ann,
      scripts: false,
    });
    await page.getByLabel("Model", { exact: true }).selectOption("guidepost/storybook");
    await page.getByRole("button", { name: "Show the guides and suggestions of this model" }).click();
    await page.waitForURL(/finetune=guidepost%2Fstorybook.*seed=6&steps=2/);
    await page.getByText("Negative prompt, prompt syntax, CFG steps, guide strength and more").click();
    await page.getByLabel("CFG steps first", { exact: true }).fill("5");
    await page.getByRole("button", { name: "Run preview" }).click();
    await page.getByText("CFG cannot do 5 of 2 steps; ask for at most 2.").waitFor();
    await expectFields(page, { Seed: "6" });
    await page.getByLabel("CFG steps first", { exact: true }).fill("0");
    await page.getByRole("button", { name: "Run preview" }).click();
    await page.waitForURL(/\/previews\/[0-9a-f-]{36}$/);
    await page.getByRole("heading", { name: "Passes and time" }).waitFor();
    await expect.poll(() => page.locator("noscript img").count()).toBe(3);
    await page.context().close();
  });

  test("a worker that is lost is seen, and another draws it to its end", async ({ skip }) => {
    const { folder, ann } = stage();
    if (folder === null) return skip("only on a hub of its own");
    const id = await ask({ steps: 100, seed: 12 });
    const page = await stage().open(`/previews/${id}`, { as: ann });
    await page.getByText(/step \d+ of 100/).waitFor();
    process.kill(processesOf(folder).get("worker")!, "SIGKILL");
    await page
      .getByText(/Nothing has come from the worker for \d+ s|another has taken over/)
      .first()
      .waitFor();
    await page.getByText("another has taken over and draws it from the start").waitFor();
    await page.getByRole("slider", { name: /^Divider/ }).waitFor();
    expect(await previewOf(id)).toMatchObject({ state: "succeeded", attempt: 2 });
    await page.context().close();
  });

  test("looks right while everything is chosen, and to nobody", async () => {
    await stage().look("preview-nobody", `/preview?finetune=${MODEL}`);
    await stage().look(
      "preview-everything",
      `/preview?finetune=guidepost/watercolor&guide=${GUIDE}&prompt=${encodeURIComponent("a big spaceship and a small dragon at sea in a very long prompt that goes on and on")}&seed=123456789&steps=30&guidance=4&cfgSteps=5&negativePrompt=night&sampler=dpmpp-2m`,
      { as: stage().ann },
    );
  });

  test("looks right while it is drawn", async () => {
    const id = await ask({ steps: 100, seed: 21 });
    const page = await stage().open(`/previews/${id}`, { as: stage().ann });
    await page.locator('figure img[src^="data:"]').first().waitFor();
    await stage().keep(page, "previews-running-1440-light");
    await page.context().close();
  });

  test("looks right when it was cancelled or failed", async () => {
    const id = await ask({ steps: 100, seed: 22 });
    await eventually(
      "its first picture",
      () => previewOf(id),
      ({ pictures }) => pictures.length >= 1,
    );
    must(200, await stage().ann.ask("POST", `/previews/${id}/cancel`));
    await stage().look("previews-cancelled", `/previews/${id}`, { as: stage().ann });

    const broken = await brokenModel();
    const failed = await ask({ finetune: broken, guide: null, steps: 4 });
    expect((await ended(failed)).state).toBe("failed");
    await stage().look("previews-failed", `/previews/${failed}`, { as: stage().ann });
    const page = await stage().open(`/previews/${failed}`, { as: stage().ann });
    await page
      .getByRole("alert")
      .getByText(/It could not be drawn[^]*is not a number/)
      .waitFor();
    await page.getByRole("button", { name: "Run again" }).click();
    await page.waitForURL((url) => /^\/previews\/[0-9a-f-]{36}$/.test(url.pathname) && !url.pathname.endsWith(failed));
    await page.getByRole("alert").getByText("It could not be drawn").waitFor();
    must(204, await stage().ann.ask("DELETE", `/repos/${broken}`));
    await page.context().close();
  });

  test("looks right when it is done, in a list, and before the first", async () => {
    await stage().look("previews-done", `/previews/${drawn}`, { as: stage().ann });
    await stage().look("previews-full", "/previews", { as: stage().ann });
    await stage().look("previews-empty", "/previews", { as: stage().ben });
  });
};
