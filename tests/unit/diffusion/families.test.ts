import { readFileSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import { denoise } from "#lib/diffusion/denoise.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openPipeline, type Pipeline } from "#lib/diffusion/pipeline.ts";
import { openVaeEncoder } from "#lib/diffusion/vae-networks.ts";
import { type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../golden/families/${path}`, import.meta.url));

interface Case {
  readonly model?: string;
  readonly tolerance: number;
  readonly settings: {
    readonly prompt: string;
    readonly negative_prompt: string;
    readonly num_inference_steps: number;
    readonly guidance_scale: number;
    readonly height: number;
    readonly width: number;
    readonly original_size?: readonly [number, number];
    readonly crops_coords_top_left?: readonly [number, number];
    readonly unet: { readonly timestep: number };
    readonly trajectories: Readonly<Record<string, string>>;
  };
}

const scaled = (x: FloatTensor, factor: number): FloatTensor =>
  tensor(
    x.data.map((value) => value * factor),
    x.shape,
  );

describe.each(["sd1", "sd2", "sd2-v", "sdxl", "sdxl-wide"])("the family %s", (name) => {
  const { model = ".", settings, tolerance } = JSON.parse(readFileSync(at(`${name}/case.json`), "utf8")) as Case;
  const { height, width } = settings;
  const [originalHeight, originalWidth] = settings.original_size ?? [height, width];
  const [top, left] = settings.crops_coords_top_left ?? [0, 0];
  const sizes = {
    original: { height: originalHeight, width: originalWidth },
    crop: { top, left },
    target: { height, width },
  };
  let golden: ReadonlyMap<string, FloatTensor>;
  let pipeline: Pipeline;
  const expected = (key: string): FloatTensor => golden.get(key)!;

  beforeAll(async () => {
    golden = await readTensors(at(`${name}/golden.safetensors`));
    const files = await readModelFiles({ model: at(`${name}/${model}`), lowRank: [], guide: null });
    pipeline = await openPipeline(files, { height: height / 2, width: width / 2 }, testRuntime);
  });
  afterAll(() => pipeline?.close());

  const condition = (text: string | null): Promise<Conditioning> => pipeline.text.condition([text], sizes);

  test("text states and pooled text", async () => {
    for (const [key, text] of [
      ["prompt", settings.prompt],
      ["negative", settings.negative_prompt],
      ["empty", ""],
    ] as const) {
      if (!golden.has(`text.${key}`)) continue;
      const found = await condition(text);
      expect(relativeError(found.text, expected(`text.${key}`)), key).toBeLessThan(tolerance);
      if (golden.has(`pooled.${key}`))
        expect(relativeError(found.pooledText!, expected(`pooled.${key}`)), key).toBeLessThan(tolerance);
    }
  });

  test("one prediction", async () => {
    const conditioning = await condition(settings.prompt);
    const timeIds = golden.get("unet.time_ids");
    if (timeIds) expect(conditioning.timeIds).toEqual(timeIds);
    const found = await pipeline.unet.predict(expected("unet.latents"), settings.unet.timestep, conditioning, null);
    expect(relativeError(found, expected("unet.prediction"))).toBeLessThan(tolerance);
  });

  test("the VAE, both ways", async () => {
    if (!golden.has("vae.latents")) return; // stands once for a model
    const { vae } = pipeline.files.model;
    const picture = await pipeline.vae.decode(scaled(expected("vae.latents"), vae.config.scalingFactor));
    expect(relativeError(picture, expected("vae.decoded"))).toBeLessThan(tolerance);
    const encoder = await openVaeEncoder(vae, { height: height / 2, width: width / 2 }, testRuntime);
    const mean = await encoder.encode(expected("vae.image"));
    expect(relativeError(mean, scaled(expected("vae.mean"), vae.config.scalingFactor))).toBeLessThan(tolerance);
    const ones = tensor(new Float32Array(mean.data.length).fill(1), mean.shape);
    const drawn = await encoder.encode(expected("vae.image"), ones);
    const deviation = expected("vae.logvar").data.map((value) => Math.exp(value / 2));
    const added = tensor(
      drawn.data.map((value, i) => (value - mean.data[i]!) / vae.config.scalingFactor),
      mean.shape,
    );
    expect(relativeError(added, tensor(deviation, mean.shape))).toBeLessThan(tolerance);
    await encoder.close();
  });

  // The cases of Stable Diffusion give their negative prompt to every trajectory, those of SDXL to the ones that say so.
  const negatives = {
    ddim: name.startsWith("sdxl") ? null : settings.negative_prompt,
    ddim_negative: settings.negative_prompt,
    ddim_empty_negative: "",
  } as const;
  const drawn = Object.keys(negatives).filter((key) => key in settings.trajectories) as (keyof typeof negatives)[];
  test.each(drawn)("a whole picture, %s", async (key) => {
    const networks = { ...pipeline, cfgLayout: "two passes" as const };
    const steps: FloatTensor[] = [];
    const walk = denoise(networks, {
      plan: { mode: "cfg", guidanceScale: settings.guidance_scale, cfgSteps: 0 },
      schedule: pipeline.files.model.schedule,
      sampler: "ddim",
      steps: settings.num_inference_steps,
      noise: expected("start"),
      texts: { conditional: await condition(settings.prompt), unconditional: await condition(negatives[key]) },
    });
    for await (const step of walk) steps.push(step.latents);
    const all = expected(`${key}.steps`);
    steps.forEach((latents, i) => {
      const wanted = rows(all, i, i + 1);
      expect(relativeError(latents, tensor(wanted.data, latents.shape)), `step ${i + 1}`).toBeLessThan(tolerance);
    });
    if (!golden.has(`${key}.picture`)) return;
    const picture = await pipeline.vae.decode(steps.at(-1)!);
    const clamped = tensor(
      picture.data.map((value) => Math.min(1, Math.max(0, value / 2 + 0.5))),
      picture.shape,
    );
    expect(relativeError(clamped, expected(`${key}.picture`))).toBeLessThan(tolerance);
  });
});
