import { execFileSync } from "node:child_process";
import { lstatSync, readdirSync, readFileSync } from "node:fs";
import { readdir, readFile, writeFile } from "node:fs/promises";
import { decode } from "fast-png";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { readPngText } from "#lib/picture/png.ts";
import { parseRecipe, toRecipeJson } from "#lib/picture/recipe.ts";
import { type FloatTensor, tensor, zeros } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { finished, guidepost, startGuidepost, temporaryFolder } from "../support/cli.ts";
import { relativeError } from "../support/close-to.ts";
import { readGolden, starter } from "../support/golden.ts";

const storybook = starter("storybook");
const tiny = starter("guide-tiny/guide.safetensors");
const prompt = "a big red house in a meadow";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const sample = (out: string, ...args: string[]) =>
  guidepost("sample", storybook, "--prompt", prompt, "-o", folder.path(out), ...args);

async function savedLatents(name: string) {
  const source = await openFile(folder.path(name));
  const latents = await readTensor(source, (await readHeader(source)).tensors.get("latents")!);
  await source.close();
  return latents;
}

describe("a picture from the command line", () => {
  test("equals diffusers' latents when it starts from the same noise", async () => {
    const golden = await readGolden("storybook");
    await writeFile(folder.path("noise.safetensors"), writeSafetensors(new Map([["latents", golden.tensor("noise")]])));
    const small = starter("guide-distilled/guide.safetensors");
    const { code, stderr } = await sample(
      "g.png",
      "--mode",
      "guide",
      "--guide",
      small,
      "--latents",
      folder.path("noise.safetensors"),
      "--save-latents",
      folder.path("out.safetensors"),
    );
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(relativeError(await savedLatents("out.safetensors"), golden.tensor("ddim.guide"))).toBeLessThan(1e-3);
  });

  test("carries a recipe, in both forms, that draws the same pixels again", async () => {
    const { code, stdout } = await sample(
      "a.png",
      "--mode",
      "guide",
      "--guide",
      tiny,
      "--seed",
      "7",
      "--steps",
      "6",
      "--cfg-steps",
      "2",
      "--negative",
      "at night",
      "--lora",
      `${starter("neon-lora/neon.safetensors")}:0.5`,
      "--json",
    );
    expect(code).toBe(0);
    const said = JSON.parse(stdout);
    const text = readPngText(await readFile(folder.path("a.png")));
    const recipe = parseRecipe(text.get("guidepost")!);
    expect(said.recipe).toEqual(toRecipeJson(recipe));
    expect(recipe).toMatchObject({
      prompt,
      negativePrompt: "at night",
      mode: "guide",
      guidanceScale: 5,
      cfgSteps: 2,
      steps: 6,
      seed: 7n,
      passes: 2 * 2 + 4,
      width: 128,
      height: 128,
    });
    expect(recipe.files.find(({ role }) => role === "lora")).toMatchObject({ name: "neon.safetensors", strength: 0.5 });
    expect(text.get("parameters")).toContain(
      "Steps: 6, Sampler: DDIM, CFG scale: 5, Seed: 7, RNG: CPU, Size: 128x128, Model hash: a1c8a5aa70, Model: storybook",
    );

    const again = [
      recipe.prompt,
      "--negative",
      recipe.negativePrompt!,
      "--mode",
      recipe.mode,
      "--guide",
      tiny,
      "--seed",
      String(recipe.seed),
      "--steps",
      String(recipe.steps),
      "--cfg-steps",
      String(recipe.cfgSteps),
    ];
    await guidepost(
      "sample",
      storybook,
      "--prompt",
      ...again,
      "--lora",
      `${starter("neon-lora/neon.safetensors")}:0.5`,
      "-o",
      folder.path("b.png"),
    );
    expect(decode(await readFile(folder.path("b.png"))).data).toEqual(
      decode(await readFile(folder.path("a.png"))).data,
    );
  });

  test("keeps every digit of a seed of 64 bits, of which the noise takes the low half", async () => {
    const steps = ["--mode", "conditional", "--steps", "2", "--json"];
    const { stdout } = await sample("huge.png", "--seed", "18446744073709551615", ...steps);
    expect(JSON.parse(stdout).recipe.seed).toBe("18446744073709551615");
    const text = readPngText(await readFile(folder.path("huge.png")));
    expect(parseRecipe(text.get("guidepost")!).seed).toBe(18446744073709551615n);
    expect(text.get("parameters")).toContain("Seed: 18446744073709551615,");
    await sample("low.png", "--seed", "4294967295", ...steps);
    const [huge, low] = await Promise.all(["huge.png", "low.png"].map((name) => readFile(folder.path(name))));
    expect(decode(huge!).data).toEqual(decode(low!).data);
    for (const seed of ["18446744073709551616", "-1", "1e3", "0.5", "seven"]) {
      const { code, stderr } = await sample("none.png", `--seed=${seed}`);
      expect(code).not.toBe(0);
      expect(stderr).toContain(`--seed is "${seed}"; it must be a whole number from 0 to 18446744073709551615.`);
    }
  });

  test.skipIf(process.getuid?.() !== 0)("goes through a device, which stays one", async ({ skip }) => {
    const device = folder.path("null"); // of our own: the machine's is not for a test to lose
    try {
      execFileSync("mknod", [device, "c", "1", "3"], { stdio: "ignore" });
    } catch {
      skip("the system makes no devices here");
    }
    const { code, stderr } = await sample("null", "--mode", "conditional", "--steps", "2");
    expect({ code, stderr }).toEqual({ code: 0, stderr: "" });
    expect(lstatSync(device).isCharacterDevice()).toBe(true);
  });

  test("guidance 1 is conditional in every mode", async () => {
    const steps = ["--steps", "3", "--guidance", "1"];
    await sample("c.png", "--mode", "conditional", "--save-latents", folder.path("c.safetensors"), ...steps);
    await sample("d.png", "--mode", "guide", "--guide", tiny, "--save-latents", folder.path("d.safetensors"), ...steps);
    const cfg = await sample(
      "e.png",
      "--mode",
      "cfg",
      "--save-latents",
      folder.path("e.safetensors"),
      "--json",
      ...steps,
    );
    expect(JSON.parse(cfg.stdout).recipe.passes).toBe(3);
    const [c, d, e] = [
      await savedLatents("c.safetensors"),
      await savedLatents("d.safetensors"),
      await savedLatents("e.safetensors"),
    ];
    expect(d).toEqual(c);
    expect(e).toEqual(c);
  });

  test("a guide that is named is used, unless another mode is asked for", async () => {
    const recipeOf = async (...args: string[]) =>
      JSON.parse((await sample("m.png", "--steps", "2", "--json", ...args)).stdout).recipe;
    expect(await recipeOf("--guide", tiny)).toMatchObject({ mode: "guide", passes: 2 });
    const cfg = await recipeOf("--guide", tiny, "--mode", "cfg");
    expect(cfg).toMatchObject({ mode: "cfg", passes: 4 });
    expect(cfg.files.filter(({ role }: { role: string }) => role === "guide")).toEqual([]);
    expect(await recipeOf()).toMatchObject({ mode: "cfg" });
  });

  test("a batch lies side by side, and its first picture is not that of a batch of one", async () => {
    const { code } = await sample("batch.png", "--batch", "3", "--steps", "2", "--mode", "conditional");
    expect(code).toBe(0);
    expect(decode(await readFile(folder.path("batch.png")))).toMatchObject({ width: 384, height: 128, channels: 3 });
  });
});

/** Whether a child of this process has loaded the runtime, which it does when it is about to draw. */
const hasOpenedNetworks = (parent: number): boolean =>
  readdirSync("/proc").some((pid) => {
    try {
      const ofParent = /\) \w (\d+) /.exec(readFileSync(`/proc/${pid}/stat`, "utf8"))?.[1] === String(parent);
      return ofParent && readFileSync(`/proc/${pid}/maps`, "utf8").includes("libonnxruntime");
    } catch {
      return false; // no process, or it has ended
    }
  });

test("Ctrl-C stops it, with one sentence, exit 130 and no file", async () => {
  const before = await readdir(folder.path("."));
  const child = startGuidepost(
    "sample",
    storybook,
    "--prompt",
    prompt,
    "--steps",
    "900",
    "-o",
    folder.path("stopped.png"),
  );
  const ended = finished(child);
  await expect.poll(() => hasOpenedNetworks(child.pid!)).toBe(true);
  child.kill("SIGINT");
  expect(await ended).toEqual({ code: 130, stdout: "", stderr: "The work was cancelled; nothing was written.\n" });
  expect(await readdir(folder.path("."))).toEqual(before);
});

describe("bad input is one sentence, exit 2 and no file", () => {
  const cases: readonly [string, readonly string[], RegExp][] = [
    ["a guidance that is no number", ["--guidance", "NaN"], /--guidance is "NaN"/],
    ["guidance outside the guide's range", ["--mode", "guide", "--guide", tiny, "--guidance", "9"], /outside 1 to 8/],
    ["no steps", ["--steps", "0"], /1 .*1000|1000/],
    ["steps below none", ["--steps", "-1"], /-1/],
    ["ten thousand steps", ["--steps", "10000"], /10000|10,000/],
    ["half a step", ["--steps", "2.5"], /2\.5/],
    ["the mode guide without a guide", ["--mode", "guide"], /--guide/],
    ["a negative prompt with a guide alone", ["--mode", "guide", "--guide", tiny, "--negative", "red"], /--cfg-steps/],
    ["a mode that is not one", ["--mode", "turbo"], /turbo/],
    ["an option that is not one", ["--colour", "red"], /colour/],
    ["a guide where a low-rank file is meant", ["--lora", tiny], /guide\.safetensors/],
    [
      "a low-rank file where a guide is meant",
      ["--mode", "guide", "--guide", starter("neon-lora/neon.safetensors")],
      /neon\.safetensors/,
    ],
    ["a low-rank file that is not there", ["--lora", "nowhere.safetensors"], /nowhere\.safetensors/],
    ["a folder that is not there for the picture", ["-o", "/nowhere/at/all.png"], /\/nowhere\/at/],
    ["no pictures", ["--batch", "0"], /--batch/],
    ["a prompt of 100,000 characters", ["--prompt", "x".repeat(100_000)], /100,?000/],
  ];
  test.each(cases)("%s", async (_what, args, says) => {
    const before = await readdir(folder.path("."));
    const { code, stdout, stderr } = await sample("bad.png", ...args);
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(await readdir(folder.path("."))).toEqual(before);
  });

  test.each<[string, string, FloatTensor, RegExp]>([
    ["another name than latents", "noise", zeros([1, 4, 16, 16]), /no tensor "latents"/],
    ["too few channels", "latents", zeros([1, 3, 16, 16]), /\[1, 3, 16, 16\]; this model needs \[B, 4, H, W\]/],
    ["a fifth dimension", "latents", zeros([1, 4, 16, 16, 1]), /\[1, 4, 16, 16, 1\]; this model needs/],
    ["a number that is not one", "latents", tensor(new Float32Array(1024).fill(NaN), [1, 4, 16, 16]), /NaN/],
  ])("latents with %s", async (_what, name, latents, says) => {
    await writeFile(folder.path("start.safetensors"), writeSafetensors(new Map([[name, latents]])));
    const { code, stdout, stderr } = await sample("bad.png", "--latents", folder.path("start.safetensors"));
    expect(stderr).toMatch(says);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });

  test.each([
    ["a folder without a UNet", starter("guide-tiny"), /no UNet/],
    ["a guide for a model", tiny, /is not a checkpoint/],
    ["a path that is not there", "/nowhere/at/all", /does not exist/],
  ])("%s", async (_what, model, says) => {
    const { code, stdout, stderr } = await guidepost("sample", model, "--prompt", prompt, "-o", folder.path("bad.png"));
    expect(stderr).toMatch(says);
    expect(stderr.trimEnd().split("\n")).toHaveLength(1);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
  });
});
