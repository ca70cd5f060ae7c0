import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import { readModelFiles } from "#lib/diffusion/model-files.ts";
import { unetParts } from "#lib/diffusion/pipeline.ts";
import { ownSize } from "#lib/diffusion/picture-size.ts";
import { openUNet } from "#lib/diffusion/unet-networks.ts";
import { createGenerator } from "#lib/tensor/random.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { permuteStreams, type Shape } from "../../../bench/claims/permuted-twin.ts";
import { changedModel, readTensors, unetOf } from "../../../bench/verdicts/weights.ts";
import { starter, testRuntime } from "../../support/golden.ts";

const folder = await mkdtemp(join(tmpdir(), "twin-"));
afterAll(() => rm(folder, { recursive: true, force: true }));

async function predict(model: string): Promise<Float32Array> {
  const files = await readModelFiles({ model, lowRank: [], guide: null });
  const unet = await openUNet(unetParts(files, ownSize(files.model)), testRuntime);
  const random = createGenerator(5);
  const latents = random.randn([1, 4, 16, 16]);
  try {
    return (await unet.predict(latents, 500, { text: random.randn([1, 24, 128]) }, null)).data;
  } finally {
    await unet.close();
  }
}

test("computes what the base does with other channels in nearly every stream", async () => {
  const config = JSON.parse(await readFile(starter("storybook/unet/config.json"), "utf8")) as Shape;
  const twin = await changedModel("storybook", join(folder, "twin"), (tensors) =>
    permuteStreams(tensors, config, mulberry32(11)),
  );
  const before = await unetOf("storybook");
  const { tensors } = await readTensors(join(twin, "unet/diffusion_pytorch_model.safetensors"));
  const written = "down_blocks.1.resnets.0.conv2.weight";
  expect(tensors.get(written)!.data).not.toEqual(before.get(written)!.data);
  const [ours, theirs] = [await predict(starter("storybook")), await predict(twin)];
  const apart = Math.hypot(...ours.map((value, i) => value - theirs[i]!)) / Math.hypot(...ours);
  expect(apart).toBeLessThan(1e-5);
});
