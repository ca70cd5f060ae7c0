import { afterAll, beforeAll, expect, test } from "vitest";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { openPipeline } from "#lib/diffusion/pipeline.ts";
import { sample } from "#lib/diffusion/sample.ts";
import { latentSizeOf, type SampleRequest, usual } from "#lib/diffusion/sample-request.ts";
import { toPicture } from "#lib/picture/rgb.ts";
import { allFinite, type FloatTensor } from "#lib/tensor/tensor.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { testRuntime } from "../../support/golden.ts";
import { writeRandomModel } from "../../support/random-model.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
  await writeRandomModel(folder.path("model"), {
    unet: {
      _class_name: "UNet2DConditionModel",
      block_out_channels: [16, 16, 32, 32],
      norm_num_groups: 8,
      attention_head_dim: 2,
      down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
      up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
      cross_attention_dim: 16,
      sample_size: 64,
    },
    vae: {
      _class_name: "AutoencoderKL",
      block_out_channels: [8, 8, 16, 16],
      norm_num_groups: 4,
      latent_channels: 4,
      layers_per_block: 1,
      sample_size: 512,
    },
  });
});
afterAll(() => folder.remove());

// The levels, sizes and number of pixels of Stable Diffusion, with few channels.
test.each([
  ["512 × 512 pixels, the model's own size", null, 512, 512],
  ["768 × 384", { width: 768, height: 384 }, 768, 384],
  ["520 × 328, latents that do not halve evenly", { width: 520, height: 328 }, 520, 328],
  ["1536 × 1088, decoded in tiles", { width: 1536, height: 1088 }, 1536, 1088],
] as const)("a picture of %s", async (_what, size, width, height) => {
  const files = await readModelFiles({ model: folder.path("model"), lowRank: [], guide: null });
  const request: SampleRequest = {
    ...usual,
    prompt: "a red fox",
    negativePrompt: null,
    plan: { mode: "cfg", guidanceScale: 5, cfgSteps: 0 },
    sampler: "ddim",
    steps: 1,
    size,
    start: { seed: 1n, batch: 1, batchNoise: "one stream" },
  };
  const latentSize = latentSizeOf(files, request);
  expect(latentSize).toEqual({ width: width / 8, height: height / 8 });
  const pipeline = await openPipeline(files, latentSize, testRuntime);
  let latents: FloatTensor | undefined;
  for await (const step of sample(pipeline, request)) ({ latents } = step);
  const decoded = await pipeline.vae.decode(latents!);
  await pipeline.close();
  expect(allFinite(decoded)).toBe(true);
  const picture = toPicture(decoded);
  expect([picture.width, picture.height]).toEqual([width, height]);
  expect(new Set(picture.rgb).size).toBeGreaterThan(20); // not one colour
});
