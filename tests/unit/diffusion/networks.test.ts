import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Conditioning } from "#lib/diffusion/conditioning.ts";
import { type GuideNetwork, openGuide } from "#lib/diffusion/guide-network.ts";
import type { ModelFiles } from "#lib/diffusion/model-files.ts";
import { wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { openText, unetParts } from "#lib/diffusion/pipeline.ts";
import { residualShapes } from "#lib/diffusion/unet.ts";
import {
  openSplitUNet,
  openUNet,
  type ResidualTensors,
  type SplitUNet,
  type UNet,
} from "#lib/diffusion/unet-networks.ts";
import { openVaeDecoder, openVaeEncoder } from "#lib/diffusion/vae-networks.ts";
import { concat, type FloatTensor, rows, tensor } from "#lib/tensor/tensor.ts";
import { relativeError } from "../../support/close-to.ts";
import { type Golden, goldenNames, openGoldenModel, readGolden, testRuntime } from "../../support/golden.ts";

const TOLERANCE = 1e-5; // 1e-3 is promised; float32 sums in another order differ by 1e-6

describe.each(goldenNames)("%s equals diffusers", (name) => {
  let golden: Golden;
  let files: ModelFiles;
  let unet: UNet;
  let split: SplitUNet;
  let guide: GuideNetwork;
  let prompt: Conditioning;
  let empty: Conditioning;

  beforeAll(async () => {
    [golden, files] = [await readGolden(name), await openGoldenModel(name)];
    const parts = unetParts(files, { height: 16, width: 16 });
    unet = await openUNet(parts, testRuntime);
    split = await openSplitUNet(parts, testRuntime);
    guide = await openGuide(files.guide!, parts, testRuntime);
    const states = golden.tensor("text_states");
    [prompt, empty] = [{ text: rows(states, 0, 1) }, { text: rows(states, 1, 2) }];
  });
  afterAll(() => Promise.all([unet, split, guide].map((network) => network?.close())));

  /** Both golden states, each at its own timestep. */
  async function eachState(
    run: (latents: FloatTensor, timestep: number, guidanceScale: number) => Promise<FloatTensor>,
  ): Promise<FloatTensor> {
    const [timesteps, guidance] = [golden.tensor("timesteps").data, golden.tensor("guidance").data];
    const parts: FloatTensor[] = [];
    for (const i of [0, 1])
      parts.push(await run(rows(golden.tensor("latents"), i, i + 1), timesteps[i]!, guidance[i]!));
    return concat(parts);
  }
  const residuals = (latents: FloatTensor, timestep: number, guidanceScale: number): Promise<ResidualTensors> =>
    guide.residuals(latents, timestep, prompt, Float32Array.of(guidanceScale));

  test("tokens and text states", async () => {
    const text = await openText(files, testRuntime);
    const { tokenizer } = text.encoders[0]!;
    const ids = [golden.prompt, ""].flatMap((text) => [...tokenizer.encode(text).ids]);
    expect(ids).toEqual([...golden.tensor("input_ids").data]);
    const states = await text.condition([golden.prompt, null], wholePicture({ height: 128, width: 128 }));
    expect(relativeError(states.text, golden.tensor("text_states"))).toBeLessThan(TOLERANCE);
    await text.close();
  });

  test("conditional and unconditional predictions", async () => {
    const conditional = await eachState((latents, timestep) => unet.predict(latents, timestep, prompt, null));
    expect(relativeError(conditional, golden.tensor("eps_conditional"))).toBeLessThan(TOLERANCE);
    const unconditional = await eachState((latents, timestep) => unet.predict(latents, timestep, empty, null));
    expect(relativeError(unconditional, golden.tensor("eps_unconditional"))).toBeLessThan(TOLERANCE);
  });

  test("every residual of the guide", async () => {
    const keys = Object.keys(await residuals(rows(golden.tensor("latents"), 0, 1), 1, 2));
    expect(keys).toHaveLength(residualShapes(files.model.unet.config, 16, 16).skips.length + 1);
    for (const key of keys) {
      const ours = await eachState(async (...at) => (await residuals(...at))[key]!);
      expect(relativeError(ours, golden.tensor(key)), key).toBeLessThan(TOLERANCE);
    }
  });

  test("the prediction with the guide's residuals", async () => {
    const guided = await eachState(async (latents, timestep, guidanceScale) =>
      unet.predict(latents, timestep, prompt, await residuals(latents, timestep, guidanceScale)),
    );
    expect(relativeError(guided, golden.tensor("eps_guide"))).toBeLessThan(TOLERANCE);
  });

  test("the picture of latents, and the latents of a picture", async () => {
    const decoder = await openVaeDecoder(files.model.vae, { height: 16, width: 16 }, testRuntime);
    expect(relativeError(await decoder.decode(golden.tensor("ddim.cfg")), golden.tensor("image.cfg"))).toBeLessThan(
      TOLERANCE,
    );
    const encoder = await openVaeEncoder(files.model.vae, { height: 16, width: 16 }, testRuntime);
    const image = golden.tensor("image.cfg");
    const clamped = tensor(
      image.data.map((value) => Math.min(1, Math.max(-1, value))),
      image.shape,
    );
    const mean = golden.tensor("vae_mean");
    const scaled = tensor(
      mean.data.map((value) => value * files.model.vae.config.scalingFactor),
      mean.shape,
    );
    expect(relativeError(await encoder.encode(clamped), scaled)).toBeLessThan(TOLERANCE);
    await decoder.close();
    await encoder.close();
  });

  test("two halves and one graph predict the same, bit for bit", async () => {
    const one = await eachState((latents, timestep) => unet.predict(latents, timestep, prompt, null));
    const two = await eachState((latents, timestep) => split.predict(latents, timestep, prompt, null));
    expect(Buffer.from(two.data.buffer).equals(Buffer.from(one.data.buffer))).toBe(true);
  });

  test("the graph that takes residuals predicts the same without a guide and with one at guidance 1, bit for bit", async () => {
    const plain = await openUNet(unetParts(files, { height: 16, width: 16 }), testRuntime);
    const guided = await openUNet(unetParts(files, { height: 16, width: 16 }), testRuntime, "guided");
    const base = await eachState((latents, timestep) => plain.predict(latents, timestep, prompt, null));
    const zeros = await eachState((latents, timestep) => guided.predict(latents, timestep, prompt, null));
    const atOne = await eachState(async (latents, timestep) =>
      guided.predict(latents, timestep, prompt, await residuals(latents, timestep, 1)),
    );
    for (const found of [zeros, atOne])
      expect(Buffer.from(found.data.buffer).equals(Buffer.from(base.data.buffer))).toBe(true);
    for (const network of [plain, guided]) await network.close();
  });
});
