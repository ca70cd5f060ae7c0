import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { describe, expect, test } from "vitest";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { guidepost } from "../../support/cli.ts";
import { starter } from "../../support/golden.ts";

const family = "UNet2DConditionModel 64/96/160, text width 128";
const golden = fileURLToPath(new URL("../../golden/starter/neon.safetensors", import.meta.url));

describe("the starter models", () => {
  test.each(["storybook", "watercolor"])("%s is a whole folder that runs", async (name) => {
    expect(await inspectPath(starter(name))).toMatchObject({
      name,
      kind: "diffusers folder",
      form: "StableDiffusionPipeline",
      family,
      parameters: 411_776 + 7_446_852 + 944_567,
      dtypes: [{ dtype: "F16", share: 1 }],
      prediction: { type: "epsilon", from: "scheduler/scheduler_config.json" },
      parts: [
        { name: "text_encoder", family: "CLIP text encoder of width 128, depth 2", parameters: 411_776 },
        { name: "unet", family, parameters: 7_446_852, metadata: { format: "pt" } },
        { name: "vae", family: "AutoencoderKL 16/32/64/64, 4 latent channels", parameters: 944_567 },
      ],
      weightsFitConfig: true,
      runs: true,
      whatRuns: "sample and check run it",
      problems: [],
    });
  });

  test.each([
    ["unet", "unet, UNet2DConditionModel"],
    ["text_encoder", "text encoder, CLIPTextModel"],
    ["vae", "vae, AutoencoderKL"],
  ])("storybook/%s is a component that fits its config and does not run alone", async (part, form) => {
    const whatRuns = "nothing runs one component alone; give the folder above, storybook";
    expect(await inspectPath(starter(`storybook/${part}`))).toMatchObject({
      kind: "component folder",
      form,
      weightsFitConfig: true,
      runs: false,
      whatRuns,
      problems: [],
    });
  });

  test.each([
    ["clay-lora/clay", "kohya", [8], 354],
    ["neon-lora/neon", "kohya", [8], 354],
    ["pixel-lora/pixel", "kohya", [8], 354],
    ["pencil-lora/pencil", "PEFT", [], 236],
  ])("%s is a low-rank fine-tune", async (path, form, alphas, tensors) => {
    expect(await inspectPath(starter(`${path}.safetensors`))).toMatchObject({
      kind: "low-rank fine-tune",
      form,
      family,
      tensors,
      lowRank: { layers: { unet: 118 }, ranks: [16], alphas, textWidth: 128 },
      runs: true,
      problems: [],
    });
  });

  test.each(["guide-tiny", "guide-distilled"])("%s fits its own metadata", async (name) => {
    expect(await inspectPath(starter(`${name}/guide.safetensors`))).toMatchObject({
      kind: "guide",
      parameters: 73_916,
      guide: {
        variant: "tiny",
        widths: [12, 16, 20],
        minGuidance: 1,
        maxGuidance: 8,
        referenceGuidance: 5,
        trainedOn: { "train.steps": "1500" },
      },
      weightsFitConfig: true,
      runs: true,
      problems: [],
    });
  });

  test("a folder around one weights file is that file", async () => {
    expect(await inspectPath(starter("guide-tiny"))).toMatchObject({
      name: "guide-tiny/guide.safetensors",
      kind: "guide",
    });
  });

  test("the evaluator, latents, and a bare UNet", async () => {
    expect(await inspectPath(starter("evaluator/evaluator.safetensors"))).toMatchObject({
      kind: "evaluator",
      evaluator: {
        words: { backgrounds: 6, kinds: 10, colors: 8, sizes: 2 },
        domains: ["clay", "neon", "pencil", "pixel", "storybook", "watercolor"],
      },
      runs: true,
      problems: [],
    });
    expect(await inspectPath(golden)).toMatchObject({ kind: "latents", latents: [2, 4, 16, 16], runs: true });
    expect(await inspectPath(starter("storybook/unet/diffusion_pytorch_model.safetensors"))).toMatchObject({
      kind: "unet",
      form: "diffusers names",
      family,
      prediction: null,
      runs: false,
    });
  });

  test("whatever a path is, JSON has the same keys in the same order", async () => {
    const kinds = ["storybook", "storybook/vae", "neon-lora", "guide-tiny", "evaluator", ""].map((path) =>
      inspectPath(starter(path)),
    );
    const keys = (await Promise.all(kinds)).map((inspection) => Object.keys(inspection).join());
    expect(new Set(keys).size).toBe(1);
  });
});

describe("the command", () => {
  test("prints a table, or one JSON object with all metadata", async () => {
    const table = await guidepost("inspect", starter("guide-tiny"));
    expect(table).toMatchObject({ code: 0, stderr: "" });
    expect(table.stdout).toMatch(/^kind {8}guide$/m);
    const { stdout } = await guidepost("inspect", starter("guide-tiny"), "--json");
    expect(JSON.parse(stdout)).toMatchObject({ kind: "guide", metadata: { format: "guide/1", "train.steps": "1500" } });
  });

  test("exits with 2 and one sentence for a path that is not there", async () => {
    const { code, stdout, stderr } = await guidepost("inspect", starter("nothing-here"));
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(/nothing-here does not exist .*\n$/);
  });

  test("never loads the native runtime", async () => {
    const script = `
      process.argv.push("inspect", ${JSON.stringify(starter("storybook"))});
      await import(${JSON.stringify(new URL("../../../workers/cli/main.ts", import.meta.url).href)});
      process.report.excludeNetwork = true;
      console.log(process.report.getReport().sharedObjects.filter((path) => path.includes("onnxruntime")).length);`;
    const { stdout } = await promisify(execFile)(process.execPath, ["--input-type=module", "--eval", script]);
    expect(stdout).toMatch(/kind {8}diffusers folder[^]*\n0\n$/);
  });
});
