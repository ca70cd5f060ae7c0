import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { denoise } from "#lib/diffusion/denoise.ts";
import { type ModelFiles, readModelFiles } from "#lib/diffusion/model-files.ts";
import { noiseSource } from "#lib/diffusion/noise-source.ts";
import { embedGuidance, promptsOf, sample } from "#lib/diffusion/sample.ts";
import { ownSize, pictureSizeOf } from "#lib/diffusion/picture-size.ts";
import { latentSizeOf, requireRequest, type SampleRequest, usual } from "#lib/diffusion/sample-request.ts";
import { readChunks, wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openVaeDecoder, openVaeEncoder } from "#lib/diffusion/vae-networks.ts";
import { readPng } from "#lib/picture/read-png.ts";
import { fromPicture } from "#lib/picture/rgb.ts";
import { parseEmphasis } from "#lib/prompt/emphasis.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { openModel, type OpenModel } from "#workers/inference/open-model.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../golden/pictures/${path}`, import.meta.url));
const family = (name: string): string => at(`../families/${name}`);

interface Settings {
  readonly prompt: string;
  readonly negative_prompt: string;
  readonly num_inference_steps: number;
  readonly guidance_scale: number;
  readonly height: number;
  readonly width: number;
  readonly guidance_rescale?: number;
  readonly clip_skip?: number;
  readonly strength: number;
  readonly seed: number;
  readonly seeds: readonly string[];
}

interface Case<More = Settings> {
  readonly model: string;
  readonly tolerance: number;
  readonly settings: More;
}

const json = <T>(path: string): T => JSON.parse(readFileSync(at(path), "utf8")) as T;
const caseOf = <More = Settings>(name: string): Case<More> => json(`${name}/case.json`);
const goldenOf = (name: string): Promise<ReadonlyMap<string, FloatTensor>> =>
  readTensors(at(`${name}/golden.safetensors`));
const filesOf = (name: string): Promise<ModelFiles> =>
  readModelFiles({ model: at(`${name}/${caseOf(name).model}`), lowRank: [], guide: null });

/** What the case asks for, under DDIM and CFG; its own noise. */
function requestOf({ settings }: Case, noise: FloatTensor): SampleRequest {
  return {
    ...usual,
    prompt: settings.prompt,
    negativePrompt: settings.negative_prompt,
    clipSkip: settings.clip_skip ?? 0,
    plan: {
      mode: "cfg",
      guidanceScale: settings.guidance_scale,
      cfgSteps: 0,
      guidanceRescale: settings.guidance_rescale ?? 0,
    },
    sampler: "ddim",
    steps: settings.num_inference_steps,
    start: { noise },
  };
}

/** Latents after each step, as a request draws them, and the picture in [0, 1]. */
async function draw(
  files: ModelFiles,
  request: SampleRequest,
): Promise<{ steps: FloatTensor[]; picture: FloatTensor }> {
  requireRequest(files, request);
  const { pipeline } = await openModel(files, request, testRuntime);
  const steps: FloatTensor[] = [];
  for await (const { latents } of sample(pipeline, request)) steps.push(latents);
  const decoded = await pipeline.vae.decode(steps.at(-1)!);
  const shown = decoded.data.map((value) => Math.min(1, Math.max(0, value / 2 + 0.5)));
  return { steps, picture: tensor(shown, decoded.shape) };
}

/** `expected` is [steps, B, C, H, W]. */
function expectSteps(steps: readonly FloatTensor[], expected: FloatTensor, tolerance: number): void {
  expect(steps.length).toBe(expected.shape[0]);
  steps.forEach((latents, i) => {
    const wanted = tensor(rows(expected, i, i + 1).data, latents.shape);
    expect(relativeError(latents, wanted), `step ${i + 1}`).toBeLessThan(tolerance);
  });
}

const conditionOf = async ({ pipeline }: OpenModel, request: SampleRequest) => {
  const size = pictureSizeOf(pipeline.files.model, pipeline.size);
  return pipeline.text.condition([promptsOf(request)[0]], wholePicture(size));
};

describe("whole pictures equal diffusers'", () => {
  test.each(["clip-skip", "clip-skip-xl", "guidance-rescale", "guidance-rescale-xl"])("%s", async (name) => {
    const [one, golden, files] = [caseOf(name), await goldenOf(name), await filesOf(name)];
    const request = requestOf(one, golden.get("start")!);
    const { steps, picture } = await draw(files, request);
    expectSteps(steps, golden.get("ddim.steps")!, one.tolerance);
    expect(relativeError(picture, golden.get("ddim.picture")!)).toBeLessThan(one.tolerance);
    if (!golden.has("text.prompt")) return;
    const { text } = await conditionOf(await openModel(files, request, testRuntime), request);
    expect(relativeError(text, golden.get("text.prompt")!)).toBeLessThan(one.tolerance);
  });

  // diffusers skips for the prompt alone and beyond SDXL's usual layer; A1111 for both prompts, and counts SDXL's usual as 2.
  test.each([
    ["clip-skip", "plain", { prompt: 1, negative: 0 }],
    ["clip-skip", "a1111", { prompt: 1, negative: 1 }],
    ["clip-skip-xl", "plain", { prompt: 1, negative: 0 }],
    ["clip-skip-xl", "a1111", { prompt: 0, negative: 0 }],
  ] as const)("%s in the syntax %s skips %o", async (name, promptSyntax, expected) => {
    const [one, golden, files] = [caseOf(name), await goldenOf(name), await filesOf(name)];
    const plain = requestOf(one, golden.get("start")!);
    const { prompt } = plain;
    const request: SampleRequest = { ...plain, promptSyntax, negativePrompt: prompt };
    const { pipeline } = await openModel(files, request, testRuntime);
    const size = wholePicture(pictureSizeOf(files.model, pipeline.size));
    const { text } = await pipeline.text.condition(promptsOf(request), size);
    for (const [row, skips] of [expected.prompt, expected.negative].entries()) {
      const error = relativeError(rows(text, row, row + 1), golden.get("text.prompt")!);
      if (skips === 1) expect(error).toBeLessThan(one.tolerance);
      else expect(error).toBeGreaterThan(0.1);
    }
  });

  test("guidance 0 and 1 are the prompt alone, bit for bit the same", async () => {
    const [one, golden, files] = [caseOf("guidance-0"), await goldenOf("guidance-0"), await filesOf("guidance-0")];
    const asked = { ...requestOf(one, golden.get("start")!), negativePrompt: null };
    const { steps, picture } = await draw(files, asked);
    expectSteps(steps, golden.get("ddim.steps")!, one.tolerance);
    expect(relativeError(picture, golden.get("ddim.picture")!)).toBeLessThan(one.tolerance);
    const atOne = await draw(files, { ...asked, plan: { mode: "cfg", guidanceScale: 1, cfgSteps: 0 } });
    expect(atOne.steps).toEqual(steps);
  });

  test("four pictures, each with a seed of 64 bits", async () => {
    const [one, golden, files] = [caseOf("seeds"), await goldenOf("seeds"), await filesOf("seeds")];
    const { settings, tolerance } = one;
    const noise = noiseSource(settings.seeds.map(BigInt), [4, 4, settings.height / 2, settings.width / 2])();
    expect(relativeError(noise, golden.get("start")!)).toBeLessThan(1e-6);
    const { steps, picture } = await draw(files, requestOf(one, noise));
    expectSteps(steps.slice(-1), golden.get("ddim.steps")!, tolerance);
    expect(relativeError(picture, golden.get("ddim.picture")!)).toBeLessThan(tolerance);

    // From one number on, as a request says it: the picture of 2⁶⁴ − 1 stands there as well, and 0 behind it.
    const start = { seed: 2n ** 64n - 1n, batch: 2, batchNoise: "a seed each" as const };
    const two = await draw(files, { ...requestOf(one, noise), start });
    const last = golden.get("ddim.steps")!;
    const wanted = tensor(rows(tensor(last.data, last.shape.slice(1)), 3, 4).data, [1, ...last.shape.slice(2)]);
    expect(relativeError(rows(two.steps.at(-1)!, 0, 1), wanted)).toBeLessThan(tolerance);
  });
});

describe.each(["img2img", "img2img-xl"])("%s: a picture to begin at", (name) => {
  const one = caseOf(name);
  const { settings, tolerance } = one;
  const init = readPng(readFileSync(at(`${name}/input.png`)), "input.png");
  const asked = (golden: ReadonlyMap<string, FloatTensor>): SampleRequest => ({
    ...requestOf(one, golden.get("noise")!),
    start: { seed: BigInt(settings.seed), batch: 1, batchNoise: "one stream" },
    size: { height: init.height, width: init.width },
    picture: { picture: init, strength: settings.strength },
  });

  test("pixels, the seed's noise, the posterior and every step", async () => {
    const [golden, files] = [await goldenOf(name), await filesOf(name)];
    expect(relativeError(fromPicture(init), golden.get("image")!)).toBeLessThan(1e-6);
    const source = noiseSource(BigInt(settings.seed), golden.get("noise")!.shape);
    expect(relativeError(source(), golden.get("posterior.noise")!)).toBeLessThan(1e-6);
    expect(relativeError(source(), golden.get("noise")!)).toBeLessThan(1e-6);

    const { steps, picture } = await draw(files, asked(golden));
    expectSteps(steps, golden.get("ddim.steps")!, tolerance);
    expect(relativeError(picture, golden.get("ddim.picture")!)).toBeLessThan(tolerance);
  });

  test.each(["ddim", "euler"] as const)("from the posterior's mean, %s", async (sampler) => {
    const [golden, files] = [await goldenOf(name), await filesOf(name)];
    const request = asked(golden);
    const { pipeline } = await openModel(files, request, testRuntime);
    const { vae } = files.model;
    const encoder = await openVaeEncoder(vae, latentSizeOf(files, request), testRuntime);
    const latents = await encoder.encode(fromPicture(init));
    await encoder.close();
    const mean = golden.get("posterior.mean")!;
    const scaled = mean.data.map((value) => value * vae.config.scalingFactor);
    expect(relativeError(latents, tensor(scaled, mean.shape))).toBeLessThan(tolerance);

    const size = wholePicture(pictureSizeOf(files.model, pipeline.size));
    const [conditional, unconditional] = await Promise.all(
      promptsOf(request).map((prompt) => pipeline.text.condition([prompt], size)),
    );
    const steps: FloatTensor[] = [];
    const walk = denoise(pipeline, {
      plan: request.plan,
      schedule: files.model.schedule,
      sampler,
      steps: request.steps,
      noise: golden.get("mean.noise")!,
      picture: { latents, strength: settings.strength },
      texts: { conditional: conditional!, unconditional: unconditional! },
    });
    for await (const step of walk) steps.push(step.latents);
    const expected = golden.get(`mean.${sampler}.steps`)!;
    if (sampler === "ddim") expectSteps(steps, expected, tolerance);
    else expect(relativeError(steps.at(-1)!, tensor(rows(expected, 2, 3).data, mean.shape))).toBeLessThan(tolerance);
  });
});

interface Weighed {
  readonly prompts: Readonly<
    Record<
      string,
      { readonly prompt: string; readonly chunks: readonly { readonly ids: number[]; readonly weights: number[] }[] }
    >
  >;
}

describe("prompts in the field's syntax equal A1111's", () => {
  test.each(["emphasis", "emphasis-xl"])("%s: chunks, states and pooled text", async (name) => {
    const [{ settings, tolerance }, golden] = [caseOf<Weighed>(name), await goldenOf(name)];
    const files = await filesOf(name);
    for (const [key, { prompt, chunks }] of Object.entries(settings.prompts)) {
      const noise = tensor(new Float32Array(4 * 64), [1, 4, 8, 8]);
      const nothing = { prompt: "", negative_prompt: "", num_inference_steps: 1, guidance_scale: 1 } as Settings;
      const plain = requestOf({ model: "", tolerance, settings: nothing }, noise);
      const request: SampleRequest = { ...plain, prompt, promptSyntax: "a1111" };
      const opened = await openModel(files, request, testRuntime);
      const read = readChunks(promptsOf(request)[0], opened.pipeline.text.encoders[0]!.tokenizer);
      expect(read.chunks.map(({ ids, weights }) => ({ ids: [...ids], weights: [...weights] }))).toEqual(
        chunks.map(({ ids, weights }) => ({ ids, weights: weights.map(Math.fround) })),
      );
      const { text, pooledText } = await conditionOf(opened, request);
      expect(relativeError(text, golden.get(`text.${key}`)!), key).toBeLessThan(tolerance);
      const pooled = golden.get(`pooled.${key}`);
      if (pooled) expect(relativeError(pooledText!, pooled), key).toBeLessThan(tolerance);
    }
  });

  interface Parsed {
    readonly prompts: readonly {
      readonly prompt: string;
      readonly parsed: readonly (readonly [string, number])[] | string;
    }[];
  }
  test.each(json<Parsed>("emphasis/parsed.json").prompts)("“$prompt” is parsed alike", ({ prompt, parsed }) => {
    const pieces = parseEmphasis(prompt).map(({ text, weight }) => [text, weight] as const);
    // Theirs ends in an error where a weight is no number; to ours it is text.
    if (typeof parsed === "string") return expect(pieces.every(([, weight]) => Number.isFinite(weight))).toBe(true);
    expect(pieces.map(([text]) => text)).toEqual(parsed.map(([text]) => text));
    pieces.forEach(([, weight], i) => expect(Math.abs(weight - parsed[i]![1])).toBeLessThan(1e-12));
  });

  test("long prompts are cut into the same chunks", async () => {
    interface Cut {
      readonly prompts: readonly { readonly prompt: string; readonly chunks: readonly (readonly number[])[] }[];
    }
    const tokenizer = await (await filesOf("emphasis")).model.textEncoders[0].openTokenizer();
    for (const { prompt, chunks } of json<Cut>("emphasis/chunks.json").prompts) {
      const read = readChunks({ text: prompt, syntax: "a1111", side: "prompt" }, tokenizer);
      expect(read.chunks.map(({ ids }) => [...ids])).toEqual(chunks);
    }
  });

  // A1111 by default asks a negative prompt of fewer chunks by itself; ours pads it with chunks of the empty prompt, as
  // A1111's “Pad prompt/negative prompt” and ComfyUI do, so that both states have one length.
  test("a negative prompt of fewer chunks is padded", async () => {
    const name = "long-prompt";
    const [one, golden, files] = [caseOf(name), await goldenOf(name), await filesOf(name)];
    const request: SampleRequest = { ...requestOf(one, golden.get("start")!), promptSyntax: "a1111" };
    const { steps } = await draw(files, request);
    expectSteps(steps, golden.get("ddim_padded.steps")!, one.tolerance);
    const apart = golden.get("ddim.steps")!;
    expect(relativeError(steps.at(-1)!, tensor(rows(apart, 4, 5).data, [1, 4, 8, 8]))).toBeGreaterThan(0.1);
  });
});

test("a VAE in tiles equals AutoencoderKL.enable_tiling, and in one piece its whole", async () => {
  interface Tiles {
    readonly tile_sample_min_size: number;
  }
  const [{ settings, tolerance }, golden] = [caseOf<Tiles>("vae-tiling"), await goldenOf("vae-tiling")];
  const { vae } = (await filesOf("vae-tiling")).model;
  const small = { ...vae, config: { ...vae.config, sampleSize: settings.tile_sample_min_size } };
  const factor = vae.config.scalingFactor;
  const scaled = (x: FloatTensor): FloatTensor =>
    tensor(
      x.data.map((value) => value * factor),
      x.shape,
    );
  for (const [suffix, tiled] of [
    ["", true],
    ["_whole", false],
  ] as const) {
    const size = { height: 14, width: 21, tiled };
    const decoder = await openVaeDecoder(small, size, testRuntime);
    const latents = scaled(golden.get("vae.latents")!);
    const pictures = await decoder.decode(concat([latents, latents]));
    for (const row of [0, 1])
      expect(relativeError(rows(pictures, row, row + 1), golden.get(`vae.decoded${suffix}`)!)).toBeLessThan(tolerance);
    await decoder.close();
    const encoder = await openVaeEncoder(small, size, testRuntime);
    const mean = await encoder.encode(golden.get("vae.image")!);
    expect(relativeError(mean, scaled(golden.get(`vae.mean${suffix}`)!))).toBeLessThan(tolerance);
    await encoder.close();
  }
});

test("a latent consistency model hears its guidance", async () => {
  const name = "lcm-guidance-embedding";
  const [one, golden] = [caseOf(name), await goldenOf(name)];
  const folder = mkdtempSync(join(tmpdir(), "lcm-"));
  cpSync(family("sd1"), folder, { recursive: true });
  cpSync(at(`${name}/unet`), join(folder, "unet"), { recursive: true });
  const files = await readModelFiles({ model: folder, lowRank: [], guide: null });
  expect(relativeError(embedGuidance(one.settings.guidance_scale, 8), golden.get("embedding")!)).toBeLessThan(1e-5);

  const request: SampleRequest = {
    ...requestOf(one, golden.get("start")!),
    negativePrompt: null,
    plan: { mode: "cfg", guidanceScale: one.settings.guidance_scale, cfgSteps: 0 },
    sampler: "lcm",
  };
  const opened = await openModel(files, request, testRuntime);
  const conditional = { ...(await conditionOf(opened, request)), guidanceEmbedding: golden.get("embedding")! };
  const walk = async (drawNoise: () => FloatTensor): Promise<FloatTensor[]> => {
    const steps: FloatTensor[] = [];
    const plan = { ...request.plan, mode: "conditional" as const };
    const { schedule } = files.model;
    const texts = { conditional, unconditional: conditional };
    const { sampler, steps: count } = request;
    const all = { plan, schedule, sampler, steps: count, noise: golden.get("start")!, drawNoise, texts };
    for await (const { latents, passes, done } of denoise(opened.pipeline, all)) {
      expect(passes).toBe(done); // one a step
      steps.push(latents);
    }
    return steps;
  };
  let drawn = 0;
  const noises = golden.get("noise")!;
  const theirs = await walk(() => tensor(rows(noises, drawn, ++drawn).data, [1, 4, 8, 8]));
  expectSteps(theirs, golden.get("lcm.steps")!, one.tolerance);

  // A request comes to the same walk, with noise of seed 0 where the start was given.
  const { steps } = await draw(files, request);
  const zero = noiseSource(0, [1, 4, 8, 8]);
  const same = await walk(() => zero());
  steps.forEach((latents, i) => expect(relativeError(latents, same[i]!)).toBeLessThan(1e-5));
  rmSync(folder, { recursive: true });
});

describe("the size of a picture that is not asked for", () => {
  interface Sizes {
    readonly cases: readonly {
      readonly family: "sd1" | "sdxl";
      readonly _diffusers_version: string;
      readonly sample_size: unknown;
      readonly vae_scale_factor: number;
      readonly picture?: { readonly height: number; readonly width: number };
    }[];
  }
  const { cases } = json<Sizes>("default-sizes/case.json");
  const root = mkdtempSync(join(tmpdir(), "sizes-"));
  afterAll(() => rmSync(root, { recursive: true }));

  // Where theirs ends in an error (a list or null on SDXL, sides that 8 does not divide) ours draws the size that is meant.
  const ours: Readonly<Record<string, { height: number; width: number }>> = {
    "sdxl [8,12]": { height: 16, width: 24 },
    "sdxl [12,8]": { height: 24, width: 16 },
    "sdxl [32,32]": { height: 64, width: 64 },
    "sd1 null": { height: 128, width: 128 },
    "sdxl null": { height: 256, width: 256 },
    "sd1 5": { height: 10, width: 10 },
    "sdxl 5": { height: 10, width: 10 },
  };
  test.each(cases)("$family, sample_size $sample_size of $_diffusers_version", async (one) => {
    const folder = mkdtempSync(join(root, "model-"));
    cpSync(family(one.family), folder, { recursive: true });
    const path = join(folder, "unet", "config.json");
    const config = JSON.parse(readFileSync(path, "utf8")) as object;
    const { _diffusers_version, sample_size } = one;
    writeFileSync(path, JSON.stringify({ ...config, _diffusers_version, sample_size }));
    const { model } = await readModelFiles({ model: folder, lowRank: [], guide: null });
    const wanted = one.picture ?? ours[`${one.family} ${JSON.stringify(sample_size)}`];
    expect(pictureSizeOf(model, ownSize(model))).toEqual(wanted);
  });
});

describe("a request that cannot be drawn is refused before anything is opened", () => {
  const picture = (side: number) => ({ width: side, height: side, rgb: new Uint8Array(3 * side * side) });
  const asked: SampleRequest = {
    ...usual,
    prompt: "a red fox",
    negativePrompt: null,
    plan: { mode: "cfg", guidanceScale: 5, cfgSteps: 0 },
    sampler: "ddim",
    steps: 5,
    start: { seed: 0n, batch: 1, batchNoise: "one stream" },
  };
  const rescaled = (plan: Partial<SampleRequest["plan"]>) => ({
    plan: { ...asked.plan, guidanceRescale: 0.7, ...plan },
  });

  test.each<[string, Partial<SampleRequest>, RegExp]>([
    ["a side that does not divide", { size: { width: 21, height: 16 } }, /21 × 16 .* multiple of 2 from 8 to 4096/],
    ["a side too large", { size: { width: 8192, height: 16 } }, /8192/],
    ["a picture of another size", { picture: { picture: picture(32), strength: 0.5 } }, /32 × 32 pixels, and 16 × 16/],
    ["a strength above 1", { picture: { picture: picture(16), strength: 1.5 } }, /strength 1\.5/],
    ["less than a step", { picture: { picture: picture(16), strength: 0.1 } }, /less than one step/],
    ["more layers than there are", { clipSkip: 3 }, /has 2 layers, so 3 cannot/],
    ["half a layer", { clipSkip: 0.5 }, /whole number/],
    ["a rescale above 1", rescaled({ guidanceRescale: 1.7 }), /1\.7 is not a number from 0 to 1/],
    ["a rescale without CFG", rescaled({ mode: "conditional" }), /no step of this picture is CFG's/],
    ["a rescale without guidance", rescaled({ guidanceScale: 1 }), /no step of this picture is CFG's/],
  ])("%s", async (_what, change, says) => {
    const files = await readModelFiles({ model: family("sd1"), lowRank: [], guide: null });
    const request = { ...asked, ...change };
    const look = (): void => {
      requireRequest(files, request);
      latentSizeOf(files, request);
    };
    expect(look).toThrow(says);
  });
});
