import { cp, mkdir, readFile, rename, rm, writeFile } from "node:fs/promises";
import { afterEach, beforeEach, describe, expect, test } from "vitest";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import { zeros } from "#lib/tensor/tensor.ts";
import { saved } from "../../fixtures/inspection/checkpoints.ts";
import { writeSparse } from "../../fixtures/inspection/sparse-file.ts";
import { alteredFile, alteredModel, reconfiguredModel } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeEach(async () => void (folder = await temporaryFolder()));
afterEach(() => folder.remove());

const broken = {
  kind: "diffusers folder",
  runs: false,
  whatRuns: "nothing runs it as it is; the problems named here say why",
};

test("every tensor that is missing, misshapen or left over is named once, where the first alone would stop a run", async () => {
  const path = await alteredModel(folder.path("model"), (tensors) => {
    tensors.delete("conv_in.bias");
    tensors.set("conv_out.weight", zeros([4, 64, 1, 1]));
    tensors.set("extra.weight", zeros([1]));
  });
  const { problems, ...facts } = await inspectPath(path);
  expect(facts).toMatchObject({ ...broken, weightsFitConfig: false });
  expect(problems).toEqual([
    'model/unet lacks the tensor "conv_in.bias" [64], which its config calls for; use the config and the weights of one model.',
    'model/unet: the tensor "conv_out.weight" is [4, 64, 1, 1] where its config calls for [4, 64, 3, 3]; use the config and the weights of one model.',
    'model/unet has a tensor "extra.weight" that its config has no place for; use the config and the weights of one model.',
  ]);
});

test("a config that calls for another network gives twenty problems and no more", async () => {
  const path = await reconfiguredModel(folder.path("model"), "unet/config.json", { layers_per_block: 60_000 });
  const { problems } = await inspectPath(path);
  expect(problems).toHaveLength(20);
  expect(problems[0]).toContain("down_blocks.0.resnets.1");
});

test("a component is held against its own config", async () => {
  const path = await reconfiguredModel(folder.path("model"), "vae/config.json", { latent_channels: 8 });
  const { kind, weightsFitConfig, problems } = await inspectPath(`${path}/vae`);
  expect({ kind, weightsFitConfig }).toEqual({ kind: "component folder", weightsFitConfig: false });
  expect(problems[0]).toBe(
    'vae: the tensor "encoder.conv_out.weight" is [8, 64, 3, 3] where its config calls for [16, 64, 3, 3]; use the config and the weights of one model.',
  );
});

test("parts that fit their own configs and not each other are told apart by their widths", async () => {
  const path = await alteredModel(folder.path("model"), (tensors) => {
    for (const [name, { shape }] of tensors)
      if (/attn2\.to_[kv]\.weight$/.test(name)) tensors.set(name, zeros([shape[0]!, 64]));
  });
  await writeFile(
    `${path}/unet/config.json`,
    JSON.stringify({ ...(await unetConfigOf(path)), cross_attention_dim: 64 }),
  );
  const { problems, weightsFitConfig } = await inspectPath(path);
  expect(weightsFitConfig).toBe(true);
  expect(problems).toEqual([
    "model: its UNet reads text states of width 64, and its text encoder gives 128; use the parts of one model.",
  ]);
});

test("a tokenizer that does not open keeps the folder from running", async () => {
  const path = folder.path("model");
  await cp(starter("storybook"), path, { recursive: true });
  await writeFile(`${path}/tokenizer/vocab.json`, "[]");
  await rm(`${path}/tokenizer/tokenizer.json`, { force: true });
  const { problems, weightsFitConfig } = await inspectPath(path);
  expect(weightsFitConfig).toBe(true);
  expect(problems).toEqual([expect.stringContaining("tokenizer/vocab.json")]);
});

test("a UNet of more channels than the VAE has, as for inpainting, is said not to run", async () => {
  const path = await alteredModel(
    folder.path("model"),
    (tensors) => void tensors.set("conv_in.weight", zeros([64, 9, 3, 3])),
  );
  await writeFile(`${path}/unet/config.json`, JSON.stringify({ ...(await unetConfigOf(path)), in_channels: 9 }));
  const { problems, family } = await inspectPath(path);
  expect(family).toBe("UNet2DConditionModel 64/96/160, text width 128, inpainting");
  expect(problems).toEqual([
    "model: its UNet reads 9 channels, and its VAE has 4 latent channels; such models do not run here.",
  ]);
});

test("v-prediction is read from the scheduler", async () => {
  const path = await reconfiguredModel(folder.path("model"), "scheduler/scheduler_config.json", {
    prediction_type: "v_prediction",
  });
  expect((await inspectPath(path)).prediction).toEqual({
    type: "v_prediction",
    from: "scheduler/scheduler_config.json",
  });
});

test("a pipeline that does not run is named by its class, and its parts are counted all the same", async () => {
  const path = await reconfiguredModel(folder.path("model"), "model_index.json", {
    _class_name: "KandinskyPipeline",
  });
  const { form, parts, problems, weightsFitConfig } = await inspectPath(path);
  expect({ form, weightsFitConfig }).toEqual({ form: "KandinskyPipeline", weightsFitConfig: null });
  expect(parts.map(({ parameters }) => parameters)).toEqual([411_776, 7_446_852, 944_567]);
  expect(problems).toEqual([expect.stringContaining("KandinskyPipeline")]);
});

test("pickles and ONNX files in place of weights are refused by name, in the part where they lie", async () => {
  const path = folder.path("model");
  await cp(starter("storybook"), path, { recursive: true });
  await rename(`${path}/vae/diffusion_pytorch_model.safetensors`, `${path}/vae/diffusion_pytorch_model.bin`);
  await rename(`${path}/text_encoder/model.safetensors`, `${path}/text_encoder/model.onnx`);
  const { parts, ...facts } = await inspectPath(path);
  expect(facts).toMatchObject(broken);
  expect(parts).toMatchObject([
    { name: "text_encoder", parameters: 0, problem: expect.stringContaining("a graph is code") },
    { name: "unet", parameters: 7_446_852, problem: null },
    { name: "vae", parameters: 0, problem: expect.stringContaining("a pickle, which can run code") },
  ]);
});

test("names in an index that would lead out of the folder are not followed", async () => {
  const path = await reconfiguredModel(folder.path("model"), "model_index.json", {
    "../watercolor/unet": ["diffusers", "UNet2DConditionModel"],
  });
  expect((await inspectPath(path)).parts).toHaveLength(3);
});

test("an index that is no index is refused", async () => {
  await writeFile(folder.path("model_index.json"), "[1]");
  await expect(inspectPath(folder.path("."))).rejects.toMatchObject({
    code: "bad_request",
    message: expect.stringContaining("model_index.json is not an index of components"),
  });
});

test("a folder of several weights files, and one of none, are unknown", async () => {
  await mkdir(folder.path("none"));
  expect(await inspectPath(folder.path("none"))).toMatchObject({
    kind: "unknown",
    runs: false,
    whatRuns: "nothing; it has neither a model_index.json nor safetensors files",
  });
  for (const name of ["neon", "clay"])
    await cp(starter(`${name}-lora/${name}.safetensors`), folder.path(`${name}.safetensors`));
  expect(await inspectPath(folder.path("."))).toMatchObject({
    kind: "unknown",
    whatRuns: "nothing; inspect its 2 safetensors files one by one",
  });
});

test("a guide whose metadata or tensors are wrong is still a guide, and what is wrong is named", async () => {
  const from = starter("guide-tiny/guide.safetensors");
  const claim = await alteredFile(
    from,
    folder.path("claim.safetensors"),
    ({ metadata }) => void metadata.set("w_max", "many"),
  );
  expect(await inspectPath(claim)).toMatchObject({
    kind: "guide",
    guide: null,
    runs: false,
    problems: [expect.stringContaining('"w_max" is "many"')],
  });
  const wide = await alteredFile(
    from,
    folder.path("wide.safetensors"),
    ({ metadata }) => void metadata.set("widths", "[12, 16, 24]"),
  );
  const { problems, ...facts } = await inspectPath(wide);
  expect(facts).toMatchObject({ kind: "guide", guide: { widths: [12, 16, 24] }, weightsFitConfig: false, runs: false });
  expect(problems[0]).toContain(
    'wide.safetensors: the tensor "down_blocks.2.resnets.0.conv1.weight" is [20, 16, 3, 3] where its config calls for [24, 16, 3, 3]',
  );
});

test("an evaluator whose words need other heads than it has is said not to run", async () => {
  const from = starter("evaluator/evaluator.safetensors");
  const path = await alteredFile(
    from,
    folder.path("sizes.safetensors"),
    ({ metadata }) => void metadata.set("sizes", '["small", "big", "huge"]'),
  );
  expect(await inspectPath(path)).toMatchObject({
    kind: "evaluator",
    evaluator: null,
    runs: false,
    problems: [
      'sizes.safetensors: the tensor "heads.weight" is [116, 2112] where its config calls for [126, 2112]; use the config and the weights of one model.',
    ],
  });
});

async function unetConfigOf(path: string): Promise<object> {
  return JSON.parse(await readFile(`${path}/unet/config.json`, "utf8")) as object;
}

describe("what a folder has beside the networks that run", () => {
  test("a safety checker that was left out is no problem, nor is a part that is null", async () => {
    const path = await reconfiguredModel(folder.path("model"), "model_index.json", {
      safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"],
      feature_extractor: ["transformers", "CLIPImageProcessor"],
      image_encoder: [null, null],
    });
    const { parts, problems, runs } = await inspectPath(path);
    expect(parts.map(({ name }) => name).toSorted()).toEqual(["text_encoder", "unet", "vae"]);
    expect({ problems, runs }).toEqual({ problems: [], runs: true });
  });

  test("a safety checker that is there is read under the name that transformers gives it", async () => {
    const path = await reconfiguredModel(folder.path("model"), "model_index.json", {
      safety_checker: ["stable_diffusion", "StableDiffusionSafetyChecker"],
    });
    await mkdir(`${path}/safety_checker`);
    await writeSparse(`${path}/safety_checker/model.safetensors`, saved("safety-checker"));
    const { parts, problems, runs } = await inspectPath(path);
    expect(parts.find(({ name }) => name === "safety_checker")).toMatchObject({ problem: null, parameters: 9_892_884 });
    expect({ problems, runs }).toEqual({ problems: [], runs: true });
  });

  test("a variant in half precision runs, whole or in shards, and shards that are missing are named", async () => {
    const path = folder.path("model");
    await cp(starter("storybook"), path, { recursive: true });
    const unet = `${path}/unet/diffusion_pytorch_model`;
    await rename(`${unet}.safetensors`, `${unet}.fp16-00001-of-00001.safetensors`);
    const index = (shard: string) => JSON.stringify({ metadata: {}, weight_map: { "conv_in.weight": shard } });
    await writeFile(
      `${unet}.safetensors.index.fp16.json`,
      index("diffusion_pytorch_model.fp16-00001-of-00001.safetensors"),
    );
    await rename(
      `${path}/vae/diffusion_pytorch_model.safetensors`,
      `${path}/vae/diffusion_pytorch_model.bf16.safetensors`,
    );
    expect(await inspectPath(path)).toMatchObject({ runs: true, problems: [] });
    await writeFile(`${unet}.safetensors.index.json`, index("diffusion_pytorch_model-00001-of-00001.safetensors"));
    expect(await inspectPath(path)).toMatchObject({ runs: true, problems: [] });
    await rm(`${unet}.safetensors.index.fp16.json`);
    expect((await inspectPath(path)).problems).toEqual([
      "model/unet lacks diffusion_pytorch_model-00001-of-00001.safetensors, one of the 1 parts its index lists; download it too.",
    ]);
  });
});

describe("folders of other models are named, and say why they do not run", () => {
  const writePart = async (path: string, part: string, network: string) => {
    await mkdir(`${path}/${part}`, { recursive: true });
    await writeSparse(`${path}/${part}/diffusion_pytorch_model.safetensors`, saved(network));
  };
  const other = async (className: string, part: string, network: string) => {
    const path = folder.path("other");
    await writePart(path, part, network);
    const index = { _class_name: className, [part]: ["diffusers", "Model"], scheduler: ["diffusers", "Scheduler"] };
    await writeFile(`${path}/model_index.json`, JSON.stringify(index));
    return inspectPath(path);
  };

  test.each([
    ["StableDiffusion3Pipeline", "transformer", "sd3-medium", "SD 3 medium", "its denoiser is a transformer"],
    ["FluxPipeline", "transformer", "flux1-dev", "Flux.1 dev", "its denoiser is a transformer"],
    ["StableVideoDiffusionPipeline", "unet", "svd", "Stable Video Diffusion", "it makes videos"],
    ["StableUnCLIPPipeline", "unet", "sd2-unclip", "SD 2.x unCLIP", "reads the embedding of a picture"],
    ["AnimateDiffPipeline", "unet", "sd1", "AnimateDiff", "it makes videos"],
    ["KandinskyV22PriorPipeline", "prior", "kandinsky-prior", "a prior of unCLIP", "it is a cascade"],
    ["StableDiffusionXLControlNetPipeline", "unet", "sdxl", "SDXL", "it draws with a ControlNet"],
  ])("%s", async (className, part, network, family, reason) => {
    const found = await other(className, part, network);
    expect(found).toMatchObject({ kind: "diffusers folder", form: className, runs: false });
    expect(found.family).toContain(family);
    expect(found.problems).toEqual([expect.stringContaining(reason)]);
  });

  test("a pipeline with a ControlNet in it is not drawn without it", async () => {
    const path = await reconfiguredModel(folder.path("model"), "model_index.json", {
      _class_name: "StableDiffusionControlNetPipeline",
      controlnet: ["diffusers", "ControlNetModel"],
    });
    await writePart(path, "controlnet", "controlnet-sd1");
    const { runs, problems, parts } = await inspectPath(path);
    expect(parts.find(({ name }) => name === "controlnet")?.family).toBe("SD 1.x");
    expect({ runs, problems }).toEqual({
      runs: false,
      problems: [
        "model is SD 1.x or SD 2.x (StableDiffusionControlNetPipeline), which does not run here: it draws with a ControlNet, " +
          "and those do not run here; give a folder of SD 1.x, SD 2.x and SDXL.",
      ],
    });
  });
});

test("a folder whose weights are pickles alone says what to do about them", async () => {
  await writeFile(folder.path("model.ckpt"), "");
  expect((await inspectPath(folder.path("."))).whatRuns).toBe(
    "nothing; its weights are in model.ckpt, a pickle, and opening one can run code; save the model as .safetensors",
  );
});

test("noise that ends in pure noise is read from the scheduler", async () => {
  const path = await reconfiguredModel(folder.path("model"), "scheduler/scheduler_config.json", {
    rescale_betas_zero_snr: true,
  });
  expect((await inspectPath(path)).zeroTerminalSnr).toBe(true);
});
