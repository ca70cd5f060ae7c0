import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { SD2_TELLING_BIAS } from "#lib/families/prediction.ts";
import { recogniseSingleFile } from "#lib/families/single-file.ts";
import { describeFile } from "#lib/inspection/describe.ts";
import { inspectFile } from "#lib/inspection/inspect-file.ts";
import { f32ToF16 } from "#lib/tensor/half.ts";
import {
  checkpoint,
  clipL,
  encoders,
  ldmVae,
  leftovers,
  openClip,
  packed,
  wholeFiles,
} from "../../fixtures/inspection/checkpoints.ts";
import {
  fluxShapes,
  headerOf,
  prefixed,
  sd1,
  sd2,
  sdxl,
  sdxlRefiner,
  type Shapes,
  unetShapes,
} from "../../fixtures/inspection/headers.ts";
import { writeSparse } from "../../fixtures/inspection/sparse-file.ts";
import { temporaryFolder } from "../../support/cli.ts";

const look = (shapes: Shapes, metadata: Record<string, string> = {}) => describeFile(headerOf(shapes, { metadata }));
const without = (shapes: Shapes, prefix: string): Shapes =>
  Object.fromEntries(Object.entries(shapes).filter(([name]) => !name.startsWith(prefix)));

const whole = {
  sd1: checkpoint(sd1, encoders.sd1),
  sd2: checkpoint(sd2, encoders.sd2),
  sdxl: checkpoint(sdxl, encoders.sdxl),
};
const runs = "sample and check run it";
const lacks = (what: string): string =>
  `it lacks ${what}; give the whole checkpoint, or the diffusers folder of the model`;

describe("what a single file is, and whether it runs as it is", () => {
  test.each<[what: string, shapes: Shapes, family: string | null, whatRuns: string]>([
    ["SD 1.x", whole.sd1, "SD 1.x", runs],
    ["SD 2.x", whole.sd2, "SD 2.x", runs],
    ["SDXL", whole.sdxl, "SDXL", runs],
    ["SD 1.x with what training left", { ...whole.sd1, ...leftovers }, "SD 1.x", runs],
    ["SDXL with what training left", { ...whole.sdxl, ...leftovers }, "SDXL", runs],
    [
      "SD 1.x whose text encoder lacks its wrapping",
      checkpoint(
        sd1,
        prefixed(
          "cond_stage_model.transformer.",
          Object.fromEntries(Object.entries(clipL).map(([name, shape]) => [name.replace("text_model.", ""), shape])),
        ),
      ),
      "SD 1.x",
      runs,
    ],
    [
      "SD 2.x whose text encoder is in the names of transformers",
      checkpoint(sd2, prefixed("cond_stage_model.transformer.", { ...clipL })),
      "SD 2.x",
      runs,
    ],
    [
      "SDXL with the VAE of ComfyUI's naming",
      { ...without(whole.sdxl, "first_stage"), ...prefixed("vae.", ldmVae) },
      "SDXL",
      runs,
    ],
    ["SD 1.x without its VAE", without(whole.sd1, "first_stage"), "SD 1.x", lacks("its VAE")],
    ["SD 1.x without its text encoder", without(whole.sd1, "cond"), "SD 1.x", lacks("its text encoder CLIP ViT-L/14")],
    [
      "SDXL without its second text encoder",
      without(whole.sdxl, "conditioner.embedders.1."),
      "SDXL",
      lacks("its text encoder OpenCLIP ViT-bigG/14"),
    ],
    [
      "the UNet of SDXL alone, under the name it has in a checkpoint",
      prefixed("model.diffusion_model.", unetShapes(sdxl, "LDM")),
      "SDXL",
      lacks("its text encoder CLIP ViT-L/14 and its text encoder OpenCLIP ViT-bigG/14 and its VAE"),
    ],
    ["SD 1.x inpainting", checkpoint({ ...sd1, inChannels: 9 }, encoders.sd1), "SD 1.x inpainting", "reads a mask"],
    ["SDXL inpainting", checkpoint({ ...sdxl, inChannels: 9 }, encoders.sdxl), "SDXL inpainting", "reads a mask"],
    [
      "SD 1.x instruct-pix2pix",
      checkpoint({ ...sd1, inChannels: 8 }, encoders.sd1),
      "SD 1.x instruct-pix2pix",
      "reads a picture to edit",
    ],
    ["SD 2.x depth", checkpoint({ ...sd2, inChannels: 5 }, encoders.sd2), "SD 2.x depth", "reads a depth map"],
    [
      "SD 2.x unCLIP",
      {
        ...checkpoint({ ...sd2, addedWidth: 2048 }, encoders.sd2),
        "embedder.model.visual.conv1.weight": [1280, 3, 14, 14],
        "noise_augmentor.betas": [1000],
      },
      "SD 2.x unCLIP",
      "reads the embedding of a picture",
    ],
    [
      "SDXL refiner",
      checkpoint(sdxlRefiner, encoders.refiner),
      "SDXL refiner",
      "it finishes what SDXL has begun and draws nothing of its own",
    ],
    [
      "SSD-1B",
      checkpoint({ ...sdxl, depth: [0, 2, 4], middleDepth: 0 }, encoders.sdxl),
      "SDXL of other blocks (SSD-1B)",
      "sample runs it with --config FOLDER",
    ],
    [
      "a narrow UNet of the same blocks",
      checkpoint({ ...sd1, channels: [160, 320, 640, 640] }, encoders.sd1),
      "UNet2DConditionModel 160/320/640/640, text width 768",
      "sample runs it with --config FOLDER",
    ],
    ["Playground 2.5", { ...whole.sdxl, edm_mean: [4], edm_std: [4] }, "SDXL (Playground 2.5)", "another rule (EDM)"],
    [
      "SD 1.x with motion modules",
      {
        ...whole.sd1,
        "model.diffusion_model.input_blocks.1.motion_modules.0.temporal_transformer.norm.weight": [320],
      },
      "SD 1.x with motion modules",
      "it makes videos",
    ],
    [
      "Stable Video Diffusion",
      prefixed("model.diffusion_model.", {
        ...unetShapes({ ...sd2, inChannels: 8, addedWidth: 768 }, "LDM"),
        "input_blocks.1.0.time_stack.in_layers.0.weight": [320],
      }),
      "Stable Video Diffusion",
      "it makes videos",
    ],
    [
      "SD 1.x packed to four bits",
      {
        ...prefixed("model.diffusion_model.", packed(unetShapes(sd1, "LDM"), "fp4")),
        ...encoders.sd1,
        ...prefixed("first_stage_model.", ldmVae),
      },
      "SD 1.x, quantised (FP4 of bitsandbytes)",
      "its weights are packed",
    ],
    [
      "SDXL packed to four bits",
      {
        ...prefixed("model.diffusion_model.", packed(unetShapes(sdxl, "LDM"), "nf4")),
        ...encoders.sdxl,
        ...prefixed("first_stage_model.", ldmVae),
      },
      "SDXL, quantised (NF4 of bitsandbytes)",
      "its weights are packed",
    ],
    [
      "Flux.1 dev packed to four bits",
      prefixed("model.diffusion_model.", packed(fluxShapes({ guidance: true }), "nf4")),
      "Flux.1 dev, quantised (NF4 of bitsandbytes)",
      "its denoiser is a transformer",
    ],
    [
      "SDXL in scaled fp8",
      { ...whole.sdxl, "model.diffusion_model.scaled_fp8": [2] },
      "SDXL, quantised (scaled fp8)",
      "its weights are packed",
    ],
    [
      "Flux.1 schnell",
      prefixed("model.diffusion_model.", fluxShapes({ guidance: false })),
      "Flux.1 schnell",
      "its denoiser is a transformer",
    ],
    [
      "SD 3.5 large",
      prefixed("model.diffusion_model.", {
        "joint_blocks.0.context_block.adaLN_modulation.1.bias": [14592],
        "joint_blocks.37.x_block.mlp.fc1.weight": [9728, 2432],
        pos_embed: [1, 36864, 2432],
      }),
      "SD 3.5 large",
      "its denoiser is a transformer",
    ],
    [
      "a network that nobody knows",
      prefixed("model.diffusion_model.", { "head.weight": [1536, 1536] }),
      null,
      "a checkpoint of a network that is not known does not run here; models of SD 1.x, SD 2.x and SDXL do",
    ],
  ])("%s", (_what, shapes, family, whatRuns) => {
    expect(look(shapes)).toMatchObject({
      kind: "single-file checkpoint",
      family,
      runs: whatRuns === runs,
      whatRuns: expect.stringContaining(whatRuns),
      problems: [],
    });
  });

  test.each(["F16", "BF16", "F8_E4M3", "F8_E5M2"] as const)("stored as %s it runs alike", (dtype) => {
    expect(describeFile(headerOf(whole.sdxl, { dtype }))).toMatchObject({ family: "SDXL", runs: true });
  });
});

describe.each(Object.entries(wholeFiles))("a whole file of %s, as its authors' code writes it", (family, shapes) => {
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => void (folder = await temporaryFolder()));
  afterAll(() => folder.remove());

  test("has every tensor that its built-in configs call for, and runs", async () => {
    const path = folder.path("whole.safetensors");
    await writeSparse(path, shapes);
    expect(await inspectFile(path)).toMatchObject({ family, weightsFitConfig: true, runs: true, problems: [] });
  });

  test("runs with what training leaves beside it", async () => {
    const path = folder.path("leftovers.safetensors");
    await writeSparse(path, { ...shapes, ...leftovers });
    expect(await inspectFile(path)).toMatchObject({ family, weightsFitConfig: true, runs: true, problems: [] });
  });

  test("is held against them tensor by tensor", async () => {
    const path = folder.path("lacking.safetensors");
    const bias = "model.diffusion_model.middle_block.1.transformer_blocks.0.attn1.to_out.0.bias";
    await writeSparse(path, Object.fromEntries(Object.entries(shapes).filter(([name]) => name !== bias)));
    expect(await inspectFile(path)).toMatchObject({
      family,
      weightsFitConfig: false,
      runs: false,
      problems: [expect.stringContaining("mid_block.attentions.0.transformer_blocks.0.attn1.to_out.0.bias")],
    });
  });
});

test("where each part begins is said, so that it can be read in its place", () => {
  const parts = (shapes: Shapes) => {
    const { unet, textEncoders, vae, missing } = recogniseSingleFile(headerOf(shapes).header.tensors)!;
    return {
      unet: unet.prefix,
      vae: vae?.prefix,
      missing,
      text: textEncoders.map(({ prefix, names }) => [prefix, names]),
    };
  };
  expect(parts(whole.sd1)).toEqual({
    unet: "model.diffusion_model.",
    vae: "first_stage_model.",
    missing: [],
    text: [["cond_stage_model.transformer.", "CLIP"]],
  });
  expect(parts(whole.sd2).text).toEqual([["cond_stage_model.model.", "OpenCLIP"]]);
  expect(parts(whole.sdxl).text).toEqual([
    ["conditioner.embedders.0.transformer.", "CLIP"],
    ["conditioner.embedders.1.model.", "OpenCLIP"],
  ]);
});

describe("what it predicts and how its noise ends", () => {
  test("is said by its markers, both of them", () => {
    const found = look({ ...whole.sdxl, v_pred: [], ztsnr: [] });
    expect(found).toMatchObject({
      family: "SDXL",
      prediction: { type: "v_prediction", from: 'tensor "v_pred"' },
      zeroTerminalSnr: true,
      runs: true,
    });
  });

  test("is not known where nothing says", () => {
    expect(look(whole.sdxl)).toMatchObject({ prediction: null, zeroTerminalSnr: null });
  });

  test.each([
    ["True", true],
    ["False", false],
    ["None", null],
  ])("a trainer's record %s of zero terminal SNR is %s", (record, zeroTerminalSnr) => {
    expect(look(whole.sdxl, { ss_zero_terminal_snr: record }).zeroTerminalSnr).toBe(zeroTerminalSnr);
  });

  test.each([
    [0.2, "v_prediction"],
    [0.01, "epsilon"],
  ])("of SD 2.x is read from the spread of one norm's biases: ±%f is %s", async (spread, type) => {
    const folder = await temporaryFolder();
    try {
      const bias = f32ToF16(Float32Array.from({ length: 320 }, (_, i) => (i % 2 ? spread : -spread)));
      const name = `model.diffusion_model.${SD2_TELLING_BIAS}`;
      await writeSparse(folder.path("sd2.safetensors"), whole.sd2, { [name]: bias });
      const { family, prediction } = await inspectFile(folder.path("sd2.safetensors"));
      expect({ family, prediction }).toEqual({
        family: "SD 2.x",
        prediction: { type, from: `the spread of the tensor "${SD2_TELLING_BIAS}"` },
      });
    } finally {
      await folder.remove();
    }
  });
});

describe("what metadata claims", () => {
  test.each([
    ["sd_1.5", "SD 1.x"],
    ["sd_v1", "SD 1.x"],
    ["sdxl_base_v1-0", "SDXL"],
    ["stable-diffusion-xl-v1-base", "SDXL"],
    ["stable-diffusion-v2-768-v", "SD 2.x"],
  ])("“%s” of a file with Flux's tensors is said to be false, and the tensors win", (claim, claimed) => {
    const found = look(prefixed("model.diffusion_model.", fluxShapes({ guidance: true })), {
      ss_base_model_version: claim,
    });
    expect(found).toMatchObject({
      family: "Flux.1 dev",
      problems: [`Its metadata says ${claimed} ("ss_base_model_version"), and its tensors are those of Flux.1 dev.`],
    });
  });

  test.each([
    [whole.sd1, "stable-diffusion-v1"],
    [whole.sd2, "stable-diffusion-v2-512"],
    [whole.sdxl, "stable-diffusion-xl-v1-base"],
    [checkpoint(sdxlRefiner, encoders.refiner), "stable-diffusion-xl-v1-refiner"],
    [whole.sdxl, "something-else"],
  ])("that agrees, or that is of nothing known, is no problem", (shapes, claim) => {
    expect(look(shapes, { "modelspec.architecture": claim }).problems).toEqual([]);
  });

  test.each([
    [{ ss_sd_model_name: "ponyDiffusionV6XL.safetensors" }, "Pony Diffusion", "ss_sd_model_name"],
    [{ "modelspec.title": "Illustrious-XL-v1.0" }, "Illustrious", "modelspec.title"],
    [{ "modelspec.title": "NoobAI-XL-Vpred-v1.0" }, "NoobAI-XL", "modelspec.title"],
    [{ "modelspec.merged_from": "NoobAI-XL-v1.1, Illustrious-XL" }, "NoobAI-XL", "modelspec.merged_from"],
    [{ "modelspec.title": "Animagine XL 4.0" }, "Animagine XL", "modelspec.title"],
  ])("names the model that it was made from: %j", (metadata, name, key) => {
    expect(look(whole.sdxl, metadata as Record<string, string>)).toMatchObject({
      family: "SDXL",
      lineage: { name, from: `metadata "${key}"` },
    });
  });

  test("guesses no lineage from shapes, names or words that only sound alike", () => {
    expect(look(whole.sdxl).lineage).toBeNull();
    expect(look(whole.sdxl, { "modelspec.title": "My little ponies" }).lineage).toBeNull();
    expect(describeFile({ ...headerOf(whole.sdxl), name: "noobai.safetensors" }).lineage).toBeNull();
  });
});

describe("learned words, by the width of their vectors", () => {
  test.each<[shapes: Shapes, family: string, families: string[]]>([
    [{ emb_params: [8, 768] }, "SD 1.x or SDXL", ["SD 1.x", "SDXL"]],
    [{ emb_params: [2, 768] }, "SD 1.x or SDXL", ["SD 1.x", "SDXL"]],
    [{ "<a-new-word>": [768] }, "SD 1.x or SDXL", ["SD 1.x", "SDXL"]],
    [{ "<first>": [768], "<second>": [768] }, "SD 1.x or SDXL", ["SD 1.x", "SDXL"]],
    [{ "<a-new-word>": [1024] }, "SD 2.x", ["SD 2.x"]],
    [{ clip_l: [4, 768], clip_g: [4, 1280] }, "SDXL", ["SDXL"]],
    [{ clip_g: [4, 1280] }, "SDXL", ["SDXL"]],
    [{ clip_l: [4, 768] }, "SD 1.x or SDXL", ["SD 1.x", "SDXL"]],
    [{ emb_params: [1, 4096] }, "vectors of width 4096", []],
  ])("%j", (shapes, family, families) => {
    expect(look(shapes)).toMatchObject({ kind: "embedding", family, families, runs: true });
  });
});

describe("other files of a practitioner's disk", () => {
  test.each<[kind: string, form: string | null, family: string | null, shapes: Shapes]>([
    [
      "adapter",
      "IP-Adapter",
      "SD 1.x",
      { "image_proj.proj.weight": [3072, 1024], "ip_adapter.1.to_k_ip.weight": [320, 768] },
    ],
    [
      "adapter",
      "IP-Adapter",
      "SDXL",
      { "image_proj.latents": [1, 16, 1280], "ip_adapter.1.to_k_ip.weight": [640, 2048] },
    ],
    ["adapter", "T2I-Adapter", null, { "body.0.block1.weight": [320, 320, 3, 3], "conv_in.weight": [320, 192, 3, 3] }],
    ["controlnet", "Control-LoRA", null, { lora_controlnet: [], "input_blocks.0.0.weight": [320, 4, 3, 3] }],
    ["controlnet", "ControlNet-LLLite", null, { "lllite_unet_input_blocks_4_1.down.0.weight": [64, 640] }],
    [
      "motion module",
      "AnimateDiff",
      null,
      { "down_blocks.0.motion_modules.0.temporal_transformer.norm.weight": [320] },
    ],
    [
      "upscaler",
      "ESRGAN",
      null,
      { "model.0.weight": [64, 3, 3, 3], "model.1.sub.0.RDB1.conv1.0.weight": [32, 64, 3, 3] },
    ],
    ["upscaler", "ESRGAN", null, { "conv_first.weight": [64, 3, 3, 3], "body.0.rdb1.conv1.weight": [32, 64, 3, 3] }],
    [
      "upscaler",
      "SwinIR",
      null,
      {
        "conv_first.weight": [180, 3, 3, 3],
        "layers.0.residual_group.blocks.0.attn.relative_position_bias_table": [225, 6],
      },
    ],
    ["scorer", "aesthetic", null, { "layers.0.weight": [1024, 768], "layers.2.weight": [128, 1024] }],
    ["hypernetwork", null, null, { "768.0.linear.0.weight": [1536, 768], "768.1.linear.0.weight": [1536, 768] }],
    [
      "vae",
      "original names",
      "decoder of a tiny autoencoder (TAESD), 4 latent channels",
      { "1.weight": [64, 4, 3, 3], "3.conv.0.weight": [64, 64, 3, 3] },
    ],
    ["vae", "LDM names", "AutoencoderKL 128/256/512/512, 4 latent channels", prefixed("first_stage_model.", ldmVae)],
    [
      "text encoder",
      "OpenCLIP",
      "OpenCLIP ViT-H/14 of width 1024, depth 24",
      prefixed("cond_stage_model.model.", openClip(1024, 24)),
    ],
    [
      "text encoder",
      "CLIP",
      "CLIP ViT-L/14 of width 768, depth 12, with its vision tower",
      { ...clipL, "vision_model.embeddings.patch_embedding.weight": [1024, 3, 14, 14] },
    ],
    [
      "vision encoder",
      null,
      "CLIP ViT-L/14 vision encoder of width 1024",
      { "vision_model.embeddings.patch_embedding.weight": [1024, 3, 14, 14] },
    ],
  ])("%s (%s) of %s", (kind, form, family, shapes) => {
    expect(look(shapes)).toMatchObject({ kind, form, family, runs: false, problems: [] });
  });
});
