import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { denoise } from "#lib/diffusion/denoise.ts";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openPipeline } from "#lib/diffusion/pipeline.ts";
import { type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";
import { entry, pack } from "../../support/safetensors-corpus.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../golden/single-files/${path}`, import.meta.url));

interface Case {
  readonly what: string;
  readonly config: string;
  readonly model: string;
  /** Names of empty tensors that a file of this kind holds beside those of `model`. */
  readonly markers?: readonly string[];
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
    readonly unet?: { readonly timestep: number };
  };
}

const names = ["sd1", "sd2", "sdxl", "sd1-v-marker", "sdxl-v-ztsnr-markers", "sd1-fp8"];
const cases = names.map((name) => ({ name, ...(JSON.parse(readFileSync(at(`${name}/case.json`), "utf8")) as Case) }));

const folder = mkdtempSync(join(tmpdir(), "single-files-"));
afterAll(() => rmSync(folder, { recursive: true }));

/** The file of a case, as it was drawn from. */
function modelOf({ name, model, markers = [] }: (typeof cases)[number]): string {
  const path = at(`${name}/${model}`);
  if (markers.length === 0) return path;
  const file = readFileSync(path);
  const header = JSON.parse(file.toString("utf8", 8, 8 + Number(file.readBigUInt64LE()))) as object;
  const data = file.subarray(8 + Number(file.readBigUInt64LE()));
  const empty = entry("F32", [0], data.length, data.length);
  const marked = join(folder, `${name}.safetensors`);
  writeFileSync(marked, pack({ ...header, ...Object.fromEntries(markers.map((marker) => [marker, empty])) }, data));
  return marked;
}

describe("a single file runs as from_single_file reads it", () => {
  test.each(cases)("$name: $what", async (one) => {
    const { name, config, settings, tolerance } = one;
    const golden = await readTensors(at(`${name}/golden.safetensors`));
    const expected = (key: string): FloatTensor => golden.get(key)!;
    const files = await readModelFiles({
      model: modelOf(one),
      config: at(`${name}/${config}`),
      lowRank: [],
      guide: null,
    });
    const { height, width } = settings;
    const pipeline = await openPipeline(files, { height: height / 2, width: width / 2 }, testRuntime);
    const [originalHeight, originalWidth] = settings.original_size ?? [height, width];
    const [top, left] = settings.crops_coords_top_left ?? [0, 0];
    const sizes = {
      original: { height: originalHeight, width: originalWidth },
      crop: { top, left },
      target: { height, width },
    };
    const conditional = await pipeline.text.condition([settings.prompt], sizes);
    const isSdxl = name === "sdxl";
    const unconditional = await pipeline.text.condition([isSdxl ? null : settings.negative_prompt], sizes);

    if (golden.has("text.prompt")) expect(relativeError(conditional.text, expected("text.prompt"))).toBeLessThan(1e-5);
    if (settings.unet) {
      const { timestep } = settings.unet;
      const found = await pipeline.unet.predict(expected("unet.latents"), timestep, conditional, null);
      expect(relativeError(found, expected("unet.prediction"))).toBeLessThan(tolerance);
    }
    if (golden.has("vae.decoded")) {
      const latents = expected("vae.latents");
      const factor = files.model.vae.config.scalingFactor;
      const scaled = tensor(
        latents.data.map((value) => value * factor),
        latents.shape,
      );
      expect(relativeError(await pipeline.vae.decode(scaled), expected("vae.decoded"))).toBeLessThan(tolerance);
    }
    let done = 0;
    for await (const { latents } of denoise(
      { ...pipeline, cfgLayout: "two passes" },
      {
        plan: { mode: "cfg", guidanceScale: settings.guidance_scale, cfgSteps: 0 },
        schedule: files.model.schedule,
        sampler: "ddim",
        steps: settings.num_inference_steps,
        noise: expected("start"),
        texts: { conditional, unconditional },
      },
    )) {
      const wanted = rows(expected("ddim.steps"), done, ++done);
      expect(relativeError(latents, tensor(wanted.data, latents.shape)), `step ${done}`).toBeLessThan(tolerance);
    }
    await pipeline.close();
  });
});
