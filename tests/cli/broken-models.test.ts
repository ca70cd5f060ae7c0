import { cp, rm, truncate, writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { tensor, zeros } from "#lib/tensor/tensor.ts";
import { alteredFile, alteredModel, reconfiguredModel } from "../support/altered-model.ts";
import { type Finished, guidepost, temporaryFolder } from "../support/cli.ts";
import { starter } from "../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => {
  folder = await temporaryFolder();
});
afterAll(() => folder.remove());

const neon = starter("neon-lora/neon.safetensors");
const tiny = starter("guide-tiny/guide.safetensors");
const draw = (model: string, ...args: string[]): Promise<Finished> =>
  guidepost(
    "sample",
    model,
    "--prompt",
    "a small blue boat at sea",
    "--steps",
    "2",
    "-o",
    folder.path("out.png"),
    ...args,
  );

function expectRefused({ code, stdout, stderr }: Finished, ...says: RegExp[]): void {
  for (const said of says) expect(stderr).toMatch(said);
  expect(stderr.trimEnd().split("\n")).toHaveLength(1);
  expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
}

describe("a model that is not whole is refused, naming what is wrong", () => {
  test("a missing tensor", async () => {
    expectRefused(
      await draw(await alteredModel(folder.path("missing"), (tensors) => tensors.delete("conv_norm_out.bias"))),
      /lacks the tensor "conv_norm_out.bias"/,
    );
  });
  test("an extra tensor", async () => {
    expectRefused(
      await draw(
        await alteredModel(folder.path("extra"), (tensors) =>
          tensors.set("add_embedding.linear_1.weight", zeros([4, 4])),
        ),
      ),
      /"add_embedding.linear_1.weight"/,
    );
  });
  test("a wrong shape", async () => {
    expectRefused(
      await draw(await alteredModel(folder.path("shape"), (tensors) => tensors.set("conv_out.bias", zeros([5])))),
      /"conv_out.bias" is \[5\].*\[4\]/,
    );
  });
  test("a weight that is not a number, by file and tensor", async () => {
    const model = await alteredModel(folder.path("nan"), (tensors) =>
      tensors.get("mid_block.resnets.0.conv1.weight")!.data.fill(NaN, 7, 8),
    );
    expectRefused(
      await draw(model),
      /step 1 of 2/,
      /"mid_block.resnets.0.conv1.weight" of nan\/unet\/diffusion_pytorch_model.safetensors holds NaN/,
    );
  });
  test("a truncated file", async () => {
    await cp(starter("storybook"), folder.path("short"), { recursive: true });
    await truncate(folder.path("short/unet/diffusion_pytorch_model.safetensors"), 1_000_000);
    expectRefused(await draw(folder.path("short")), /diffusion_pytorch_model\.safetensors/);
  });
  test("a pickle under a safetensors name", async () => {
    await cp(starter("storybook"), folder.path("pickle"), { recursive: true });
    await writeFile(
      folder.path("pickle/vae/diffusion_pytorch_model.safetensors"),
      Buffer.concat([Buffer.from("80027d7100", "hex"), Buffer.alloc(64, "q")]),
    );
    expectRefused(await draw(folder.path("pickle")), /pickle/);
  });
  test("weights that are only there as a pickle", async () => {
    await cp(starter("storybook"), folder.path("bin"), { recursive: true });
    await rm(folder.path("bin/vae/diffusion_pytorch_model.safetensors"));
    await writeFile(folder.path("bin/vae/diffusion_pytorch_model.bin"), "PK");
    expectRefused(await draw(folder.path("bin")), /diffusion_pytorch_model\.bin, a pickle/);
  });
  test.each([
    [
      "SDXL's added conditions",
      "unet/config.json",
      { addition_embed_type: "text_time" },
      /"addition_embed_type" is "text_time"/,
    ],
    ["a guidance-distilled base", "unet/config.json", { time_cond_proj_dim: 256 }, /"time_cond_proj_dim" is 256/],
    ["another width than the weights have", "unet/config.json", { block_out_channels: [64, 96, 128] }, /\[128|160/],
    ["another pipeline", "model_index.json", { _class_name: "StableDiffusionXLPipeline" }, /StableDiffusionXLPipeline/],
    ["flow matching", "scheduler/scheduler_config.json", { prediction_type: "flow_prediction" }, /"prediction_type"/],
    ["groups that do not divide the channels", "unet/config.json", { norm_num_groups: 15 }, /norm_num_groups/],
  ])("a config with %s", async (what, file, change, says) => {
    expectRefused(await draw(await reconfiguredModel(folder.path(what.replaceAll(" ", "-")), file, change)), says);
  });
});

describe("files of another base are refused, naming the base's and the file's shape", () => {
  test("a low-rank file", async () => {
    const other = await alteredFile(neon, folder.path("other-lora.safetensors"), ({ tensors }) => {
      tensors.set("lora_unet_mid_block_resnets_0_conv1.lora_up.weight", zeros([320, 16, 1, 1]));
    });
    expectRefused(
      await draw(starter("storybook"), "--lora", other),
      /other-lora\.safetensors was made for another base/,
      /\[320, 160, 3, 3\].*\[160, 160, 3, 3\]/,
    );
  });
  test("a low-rank file for layers that are not there", async () => {
    const other = await alteredFile(neon, folder.path("deep-lora.safetensors"), ({ tensors }) => {
      tensors.set("lora_unet_up_blocks_3_resnets_0_conv1.lora_up.weight", zeros([64, 16, 1, 1]));
      tensors.set("lora_unet_up_blocks_3_resnets_0_conv1.lora_down.weight", zeros([16, 64, 3, 3]));
    });
    expectRefused(
      await draw(starter("storybook"), "--lora", other),
      /changes "lora_unet_up_blocks_3_resnets_0_conv1".*does not have/,
    );
  });
  test("half a layer, and an alpha that is not a number", async () => {
    const half = await alteredFile(neon, folder.path("half.safetensors"), ({ tensors }) =>
      tensors.delete("lora_unet_mid_block_resnets_0_conv1.lora_up.weight"),
    );
    expectRefused(await draw(starter("storybook"), "--lora", half), /only one of its two halves/);
    const alpha = await alteredFile(neon, folder.path("alpha.safetensors"), ({ tensors }) =>
      tensors.set("lora_unet_mid_block_resnets_0_conv1.alpha", tensor(Float32Array.of(NaN), [])),
    );
    expectRefused(await draw(starter("storybook"), "--lora", alpha), /alpha" is not one finite number/);
  });
  test("a guide", async () => {
    const other = await alteredFile(tiny, folder.path("other-guide.safetensors"), ({ metadata }) =>
      metadata.set("block_out_channels", "[320, 640, 1280]"),
    );
    expectRefused(
      await draw(starter("storybook"), "--mode", "guide", "--guide", other),
      /channels by level: made for 320,640,1280, the model has 64,96,160/,
    );
  });
  test("a guide whose tensors are not what its metadata says", async () => {
    const other = await alteredFile(tiny, folder.path("wide-guide.safetensors"), ({ metadata }) =>
      metadata.set("widths", "[16, 16, 20]"),
    );
    expectRefused(
      await draw(starter("storybook"), "--mode", "guide", "--guide", other),
      /wide-guide\.safetensors: the tensor "time_embedding.linear_1.weight" is \[48, 32\]/,
    );
  });
});
