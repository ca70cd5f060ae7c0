import { copyFile, readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPngText } from "#lib/picture/png.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";
import { guidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";

const golden = (path: string): string => fileURLToPath(new URL(`../golden/${path}`, import.meta.url));
const sd1 = golden("families/sd1");
const single = golden("single-files/sd1/model.safetensors");
const init = golden("pictures/img2img/input.png");
const fern = golden("pictures/textual-inversion/two.safetensors");

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const sample = (model: string, out: string, ...args: string[]) =>
  guidepost("sample", model, "--prompt", "a red fox", "--steps", "5", "-o", folder.path(out), ...args);

/** What was said of a picture that was drawn. */
async function drawn(model: string, out: string, ...args: string[]) {
  const { code, stdout, stderr } = await sample(model, out, "--json", ...args);
  expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
  return JSON.parse(stdout);
}
const pixels = async (out: string) => decode(await readFile(folder.path(out)));
const infotext = async (out: string): Promise<string> =>
  readPngText(await readFile(folder.path(out))).get("parameters")!;

describe("what a result would destroy", () => {
  test.each([
    ["another result", "twice.png", ["--save-latents", "twice.png"]],
    ["what it is made from", "begin.png", ["--init", "begin.png"]],
  ] as const)("%s", async (_what, out, [option, path]) => {
    if (option === "--init") await copyFile(init, folder.path(path));
    const { code, stderr } = await sample(sd1, out, option, folder.path(path));
    const said = `${folder.path(path)} is named twice, and writing it would destroy it; name another file.\n`;
    expect({ code, stderr }).toEqual({ code: 2, stderr: said });
  });
});

describe("what a person asks of a picture", () => {
  test("SDXL, its two sides unlike, a batch with a seed each", async () => {
    const size = ["--width", "24", "--height", "16", "--sampler", "euler-a"];
    const { recipe } = await drawn(golden("families/sdxl"), "three.png", ...size, "--batch", "3", "--seed-each");
    expect(recipe).toMatchObject({ width: 24, height: 16, batch: 3, noise: "a seed each", seed: 0 });
    await drawn(golden("families/sdxl"), "second.png", ...size, "--seed", "1");
    const [all, one] = [await pixels("three.png"), await pixels("second.png")];
    expect([all.width, all.height]).toEqual([72, 16]);
    // A batch sums in another order: a value may round to its neighbour.
    for (let y = 0; y < 16; y++)
      for (let x = 0; x < 24 * 3; x++)
        expect(Math.abs(all.data[(y * 72 + 24) * 3 + x]! - one.data[y * 72 + x]!)).toBeLessThanOrEqual(1);
  });

  test("a single file of another shape, with the folder of its configs", async () => {
    const { recipe } = await drawn(single, "single.png", "--config", sd1);
    expect(recipe.files.map(({ role }: { role: string }) => role)).toContain("checkpoint");
  });

  test("a picture to begin at, which gives the size", async () => {
    const { recipe } = await drawn(sd1, "init.png", "--init", init, "--strength", "0.6");
    expect(recipe).toMatchObject({ width: 16, height: 16, steps: 5, passes: 6 });
    expect(recipe.picture).toEqual({ sha256: await sha256OfFile(init), strength: 0.6 });
    expect(await infotext("init.png")).toContain("Denoising strength: 0.6");
  });

  test("the field's syntax, with a network of a folder and one that is not there", async () => {
    const asked = "a (house:1.3) <lora:neon:0.8> <lora:gone>";
    const networks = ["--prompt-syntax", "a1111", "--lora-folder", starter("neon-lora"), "--prompt", asked];
    const { recipe, notes } = await drawn(starter("storybook"), "neon.png", ...networks);
    expect(recipe).toMatchObject({ prompt: asked, promptSyntax: "a1111" });
    expect(recipe.files.find(({ role }: { role: string }) => role === "lora")).toMatchObject({ strength: 0.8 });
    expect(notes).toEqual([expect.stringMatching(/^<lora:gone> was left out: there is no file gone\.safetensors/)]);
  });

  test("a learned word", async () => {
    const words = ["--embedding", `${fern}:fern`, "--prompt", "a fern fox", "--clip-skip", "2"];
    const { recipe, notes } = await drawn(sd1, "fern.png", ...words);
    const used = { role: "embedding", name: "two.safetensors", word: "fern", sha256: await sha256OfFile(fern) };
    expect(recipe.files).toContainEqual(used);
    expect(recipe.clipSkip).toBe(1);
    expect(notes).toEqual([]);
    const text = await infotext("fern.png");
    expect(text).toContain(`TI hashes: "fern: ${used.sha256.slice(0, 12)}"`);
    expect(text).toContain("Clip skip: 2");
    await drawn(sd1, "plain.png", "--prompt", "a fern fox", "--clip-skip", "2");
    expect((await pixels("plain.png")).data).not.toEqual((await pixels("fern.png")).data);
  });
});

describe("what cannot be is one sentence, exit 2 and no file", () => {
  test.each<[string, readonly string[], RegExp]>([
    ["one side", ["--width", "24"], /needs both sides/],
    ["a picture that is none", ["--init", golden("pictures/img2img/case.json")], /case\.json is not a PNG/],
    ["a strength without a picture", ["--strength", "0.5"], /--init/],
    ["a rescale above 1", ["--guidance-rescale", "1.7"], /1\.7 is not a number from 0 to 1/],
    ["a word without a name", ["--embedding", `${fern}:`], /ends in ":"/],
    ["seeds beside latents", ["--seed-each", "--latents", "noise.safetensors"], /leave one of them out/],
  ])("%s", async (_what, args, says) => {
    const { code, stdout, stderr } = await sample(sd1, "bad.png", ...args);
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    await expect(readFile(folder.path("bad.png"))).rejects.toThrow(/ENOENT/);
  });

  test("a single file of another shape without its configs", async () => {
    const { code, stderr } = await sample(single, "bad.png");
    expect(stderr).toMatch(/^model\.safetensors is .*--config, or a diffusers folder\.\n$/);
    expect(code).toBe(2);
  });
});
