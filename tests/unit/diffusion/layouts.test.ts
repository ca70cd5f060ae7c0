import { cp, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { denoise } from "#lib/diffusion/denoise.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openPipeline, openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { sample } from "#lib/diffusion/sample.ts";
import { ownSize, pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { usual } from "#lib/diffusion/sample-request.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder } from "#lib/diffusion/vae-networks.ts";
import { type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../golden/layouts/${path}`, import.meta.url));

interface Case {
  readonly tolerance: number;
  readonly settings: {
    readonly timestep: number;
    readonly ids: readonly number[];
    readonly files: readonly string[];
    readonly prompt: string;
    readonly negative_prompt: string;
    readonly num_inference_steps: number;
    readonly guidance_scale: number;
    readonly height: number;
    readonly width: number;
  };
  readonly texts: readonly { readonly text: string; readonly ids: readonly number[] }[];
}

const caseOf = async (name: string): Promise<Case> =>
  JSON.parse(await readFile(at(`${name}/case.json`), "utf8")) as Case;
const goldenOf = (name: string): Promise<ReadonlyMap<string, FloatTensor>> =>
  readTensors(at(`${name}/golden.safetensors`));

let root: string;
beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "layouts-"));
});
afterAll(() => rm(root, { recursive: true }));

/** A whole folder around the parts of a case: the other parts are those of the family sd1. */
async function folderWith(name: string, parts: readonly string[]): Promise<string> {
  const folder = await mkdtemp(join(root, "model-"));
  await cp(at("../families/sd1"), folder, { recursive: true });
  for (const part of parts) {
    await rm(join(folder, part), { recursive: true });
    await cp(at(`${name}/${part}`), join(folder, part), { recursive: true });
  }
  return folder;
}

const openFolder = (model: string) => readModelFiles({ model, lowRank: [], guide: null });

describe("networks are read from every layout as diffusers reads them", () => {
  test.each([
    ["sharded", ["unet", "text_encoder"]],
    ["sharded-fp16", ["unet", "text_encoder"]],
    ["fp8-e4m3", ["unet"]],
    ["fp8-e5m2", ["unet"]],
    ["surplus", ["text_encoder"]],
  ])("%s", async (name, parts) => {
    const [{ settings, tolerance }, golden] = [await caseOf(name), await goldenOf(name)];
    const files = await openFolder(await folderWith(name, parts));
    const prediction = golden.get("unet.prediction");
    if (prediction) {
      const text = golden.get("unet.text")!;
      const unet = await openUNet(unetParts(files, { height: 8, width: 8 }, text.shape[1]), testRuntime);
      const found = await unet.predict(golden.get("unet.latents")!, settings.timestep, { text }, null);
      expect(relativeError(found, prediction)).toBeLessThan(tolerance);
      await unet.close();
    }
    const states = golden.get("text.states");
    if (!states) return;
    const text = await openText(files, testRuntime);
    const found = await text.encoders[0]!.encode(tensor(Int32Array.from(settings.ids), [1, 77]));
    expect(relativeError(found.states, states)).toBeLessThan(tolerance);
    await text.close();
  });

  test("vae-old-attention", async () => {
    const name = "vae-old-attention";
    const [{ tolerance }, golden] = [await caseOf(name), await goldenOf(name)];
    const { vae } = (await openFolder(await folderWith(name, ["vae"]))).model;
    const decoder = await openVaeDecoder(vae, { height: 8, width: 8 }, testRuntime);
    const { data, shape } = golden.get("vae.latents")!;
    const scaled = data.map((value) => value * vae.config.scalingFactor);
    const found = await decoder.decode(tensor(scaled, shape));
    expect(relativeError(found, golden.get("vae.decoded")!)).toBeLessThan(tolerance);
    await decoder.close();
  });

  test("tokenizer-json", async () => {
    const { texts } = await caseOf("tokenizer-json");
    const { model } = await openFolder(await folderWith("tokenizer-json", ["tokenizer"]));
    const tokenizer = await model.textEncoders[0].openTokenizer();
    for (const { text, ids } of texts) expect([...tokenizer.encode(text).ids], text).toEqual(ids);
    expect(model.settings.filter(({ role }) => role === "tokenizer").map((file) => file.name)).toEqual([
      expect.stringMatching(/tokenizer\.json$/),
      expect.stringMatching(/tokenizer_config\.json$/),
    ]);
  });
});

test("a folder of .bf16. files is drawn, without its safety checker", async () => {
  const name = "variant-bf16";
  const [{ settings, tolerance }, golden] = [await caseOf(name), await goldenOf(name)];
  const files = await openFolder(at(name));
  const { height, width } = settings;
  const pipeline = await openPipeline(files, { height: height / 2, width: width / 2 }, testRuntime);
  const size = wholePicture({ height, width });
  const conditional = await pipeline.text.condition([settings.prompt], size);
  const unconditional = await pipeline.text.condition([settings.negative_prompt], size);
  expect(relativeError(conditional.text, golden.get("text.prompt")!)).toBeLessThan(tolerance);
  let latents: FloatTensor | undefined;
  let done = 0;
  for await (const step of denoise(pipeline, {
    plan: { mode: "cfg", guidanceScale: settings.guidance_scale, cfgSteps: 0 },
    schedule: files.model.schedule,
    sampler: "ddim",
    steps: settings.num_inference_steps,
    noise: golden.get("start")!,
    texts: { conditional, unconditional },
  })) {
    ({ latents } = step);
    const wanted = tensor(rows(golden.get("ddim.steps")!, done, ++done).data, latents.shape);
    expect(relativeError(latents, wanted), `step ${done}`).toBeLessThan(tolerance);
  }
  const decoded = await pipeline.vae.decode(latents!);
  const shown = decoded.data.map((value) => Math.min(1, Math.max(0, value / 2 + 0.5)));
  expect(relativeError(tensor(shown, decoded.shape), golden.get("ddim.picture")!)).toBeLessThan(tolerance);
  await pipeline.close();
});

describe("folders whose files do not belong together", () => {
  test("a missing shard is named, and a whole file beside an index is preferred", async () => {
    const folder = await folderWith("sharded", ["unet"]);
    const shard = "diffusion_pytorch_model-00002-of-00003.safetensors";
    await rm(join(folder, "unet", shard));
    await expect(openFolder(folder)).rejects.toMatchObject({ message: expect.stringContaining(`lacks ${shard}`) });
    await cp(at("../families/sd1/unet"), join(folder, "unet"), { recursive: true });
    const { model } = await openFolder(folder);
    expect(model.unet.files.map((file) => file.name.split("/").at(-1))).toEqual([
      "diffusion_pytorch_model.safetensors",
    ]);
  });

  test.each([
    ["../secret.safetensors", /must name a \.safetensors file/],
    ["weights.bin", /must name a \.safetensors file/],
  ])("an index that leads to %s is refused", async (target, says) => {
    const folder = await folderWith("sharded", ["unet"]);
    const index = join(folder, "unet", "diffusion_pytorch_model.safetensors.index.json");
    await writeFile(index, JSON.stringify({ weight_map: { a: target } }));
    await expect(openFolder(folder)).rejects.toMatchObject({
      code: "malformed_weights",
      message: expect.stringMatching(says),
    });
  });
});

describe("a sample_size of any kind is drawn whole", () => {
  test.each([
    [[12, 8], { height: 24, width: 16 }],
    [[8, 12], { height: 16, width: 24 }],
    [5, { height: 10, width: 10 }],
    [[7, 9], { height: 14, width: 18 }],
    [null, { height: 128, width: 128 }],
  ])("%o", async (sampleSize, picture) => {
    const folder = await folderWith("sharded", []);
    const path = join(folder, "unet", "config.json");
    const config = JSON.parse(await readFile(path, "utf8")) as object;
    await writeFile(path, JSON.stringify({ ...config, sample_size: sampleSize }));
    const files = await openFolder(folder);
    const size = ownSize(files.model);
    expect(pictureSizeOf(files.model, size)).toEqual(picture);
    const pipeline = await openPipeline(files, size, testRuntime);
    const steps = sample(pipeline, {
      ...usual,
      prompt: "a red fox",
      negativePrompt: null,
      plan: { mode: "cfg", guidanceScale: 5, cfgSteps: 0 },
      sampler: "ddim",
      steps: 1,
      start: { seed: 1n, batch: 1, batchNoise: "one stream" },
    });
    for await (const { latents } of steps) {
      const decoded = await pipeline.vae.decode(latents);
      expect(decoded.shape).toEqual([1, 3, picture.height, picture.width]);
      expect(decoded.data.every(Number.isFinite)).toBe(true);
    }
    await pipeline.close();
  });
});

test("a text encoder is of the class that the folder's index gives it, whatever its config says", async () => {
  const folder = await mkdtemp(join(root, "model-"));
  await cp(at("../families/sdxl"), folder, { recursive: true });
  const path = join(folder, "text_encoder_2/config.json");
  const config = JSON.parse(await readFile(path, "utf8")) as object;
  for (const architectures of [null, ["CLIPTextModel"]]) {
    await writeFile(path, JSON.stringify({ ...config, architectures }));
    const { model } = await readModelFiles({ model: folder, lowRank: [], guide: null });
    expect(model.textEncoders.map((encoder) => encoder.config.projection)).toEqual([null, 20]);
  }
});
