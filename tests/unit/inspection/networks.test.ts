import { describe, expect, test } from "vitest";
import { describeFile } from "#lib/inspection/describe.ts";
import { checkpoint, clipL, encoders, ldmVae as vae, leftovers } from "../../fixtures/inspection/checkpoints.ts";
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

const look = (shapes: Shapes, metadata: Record<string, string> = {}) => describeFile(headerOf(shapes, { metadata }));

// The numbers of parameters are those that the models were published with.
describe.each(["LDM", "diffusers"] as const)("a UNet in %s names", (names) => {
  test.each([
    ["SD 1.x", sd1, 859_520_964],
    ["SD 2.x", sd2, 865_910_724],
    ["SDXL", sdxl, 2_567_463_684],
  ])("is %s by its shapes", (family, options, parameters) => {
    expect(look(unetShapes(options, names))).toMatchObject({
      kind: "unet",
      form: `${names} names`,
      family,
      parameters,
      prediction: null,
      runs: false,
    });
  });

  test.each([
    [9, "SD 1.x inpainting"],
    [8, "SD 1.x instruct-pix2pix"],
    [7, "SD 1.x of 7 input channels"],
  ])("with %i input channels is %s and said not to run", (inChannels, family) => {
    expect(look(unetShapes({ ...sd1, inChannels }, names))).toMatchObject({
      family,
      whatRuns: expect.stringContaining("does not run here"),
    });
  });

  test("of a family that runs is told where it belongs", () => {
    expect(look(unetShapes(sd1, names)).whatRuns).toContain(
      "sample and check run the diffusers folder that it is a part of",
    );
  });

  test("of channels that no family has is described by its numbers, whatever its text width", () => {
    const narrow = { ...sd1, channels: [160, 320, 640, 640] };
    expect(look(unetShapes(narrow, names)).family).toBe("UNet2DConditionModel 160/320/640/640, text width 768");
  });
});

describe("a single-file checkpoint", () => {
  test.each([
    ["SD 1.x", checkpoint(sd1, encoders.sd1), "sample and check run it"],
    ["SD 2.x", checkpoint(sd2, encoders.sd2), "sample and check run it"],
    ["SDXL", checkpoint(sdxl, encoders.sdxl), "sample and check run it"],
    ["SDXL refiner", checkpoint(sdxlRefiner, encoders.refiner), "SDXL refiner does not run here"],
    ["SD 2.x inpainting", checkpoint({ ...sd2, inChannels: 9 }, encoders.sd2), "SD 2.x inpainting does not run here"],
    ["SDXL (Playground 2.5)", { ...checkpoint(sdxl, encoders.sdxl), edm_mean: [4] }, "does not run here"],
    ["Flux.1 dev", prefixed("model.diffusion_model.", fluxShapes({ guidance: true })), "Flux.1 dev does not run here"],
    [
      "SD 3 medium",
      prefixed("model.diffusion_model.", {
        "joint_blocks.0.context_block.adaLN_modulation.1.bias": [9216],
        pos_embed: [1, 36864, 1536],
      }),
      "SD 3 medium does not run here",
    ],
  ])("is %s by its denoiser", (family, shapes, sentence) => {
    expect(look(shapes)).toMatchObject({
      kind: "single-file checkpoint",
      family,
      runs: sentence === "sample and check run it",
      whatRuns: expect.stringContaining(sentence),
    });
  });

  test("is counted by its parts", () => {
    const { parts, parameters } = look({
      ...checkpoint(sdxl, encoders.sdxl),
      ...leftovers,
    });
    expect(parts.map(({ name, family }) => [name, family])).toEqual([
      ["denoiser", "SDXL"],
      ["vae", "AutoencoderKL 128/256/512/512, 4 latent channels"],
      ["text encoder", "CLIP ViT-L/14 of width 768, depth 12"],
      ["text encoder 2", "OpenCLIP ViT-bigG/14 of width 1280, depth 32"],
      ["moving average", null],
      ["other", null],
    ]);
    expect(parts[0]!.parameters).toBe(2_567_463_684);
    expect(parts.reduce((sum, part) => sum + part.parameters, 0)).toBe(parameters);
  });

  test("of a denoiser that is not known is not called Stable Diffusion 1.x", () => {
    const { family, whatRuns } = look(
      prefixed("model.diffusion_model.", {
        "blocks.0.cross_attn.k.weight": [1536, 1536],
        "head.weight": [64, 1536],
      }),
    );
    expect(family).toBeNull();
    expect(whatRuns).toContain("not known");
  });
});

describe("what is known by name and does not run", () => {
  const half = Object.fromEntries(
    Object.entries(unetShapes(sd1, "diffusers")).filter(([name]) => /^(conv_in|time|down|mid)/.test(name)),
  );
  const ldmHalf = Object.fromEntries(
    Object.entries(unetShapes(sd1, "LDM")).filter(([name]) => /^(input|time|middle)/.test(name)),
  );
  test.each([
    [
      "controlnet",
      "SD 1.x",
      {
        ...half,
        "controlnet_cond_embedding.conv_in.weight": [16, 3, 3, 3],
        "controlnet_down_blocks.0.weight": [320, 320, 1, 1],
      },
    ],
    [
      "controlnet",
      "SD 1.x",
      prefixed("control_model.", {
        ...ldmHalf,
        "input_hint_block.0.weight": [16, 3, 3, 3],
        "zero_convs.0.0.weight": [320, 320, 1, 1],
      }),
    ],
    ["diffusion transformer", "Flux.1 dev", fluxShapes({ guidance: true })],
    ["diffusion transformer", "Flux.1 schnell", fluxShapes({ guidance: false })],
    [
      "diffusion transformer",
      "SD 3.5 large",
      {
        "joint_blocks.0.context_block.adaLN_modulation.1.bias": [14592],
        "joint_blocks.37.x_block.mlp.fc1.weight": [9728, 2432],
        pos_embed: [1, 36864, 2432],
      },
    ],
    [
      "diffusion transformer",
      "SD 3.5 medium",
      { "joint_blocks.0.context_block.adaLN_modulation.1.bias": [9216], pos_embed: [1, 147456, 1536] },
    ],
    ["vae", "AutoencoderKL 128/256/512/512, 4 latent channels", vae],
    ["text encoder", "CLIP ViT-L/14 of width 768, depth 12", clipL],
    [
      "text encoder",
      "T5 encoder of width 4096, depth 1",
      { "shared.weight": [32128, 4096], "encoder.block.0.layer.0.SelfAttention.q.weight": [4096, 4096] },
    ],
  ] as const)("%s: %s", (kind, family, shapes: Shapes) => {
    expect(look(shapes)).toMatchObject({ kind, family, runs: false });
  });

  test("the parameters of FLUX.1 dev are those it was published with", () => {
    expect(look(fluxShapes({ guidance: true })).parameters).toBe(11_901_408_320);
  });
});

describe("what is not known stays unknown", () => {
  test.each([
    ["no tensors", {}],
    ["one tensor of a likely width", { weight: [768] }],
    [
      "a language model",
      { "model.embed_tokens.weight": [32000, 4096], "model.layers.0.self_attn.q_proj.weight": [4096, 4096] },
    ],
    ["names of a UNet that are too few", { "conv_in.weight": [320, 4, 3, 3], "conv_out.weight": [4, 320, 3, 3] }],
    ["latents that are no pictures", { latents: [4, 64] }],
  ])("%s", (_what, shapes: Shapes) => {
    expect(look(shapes)).toMatchObject({ kind: "unknown", family: null, runs: false });
  });
});

describe("what a UNet predicts", () => {
  const shapes = unetShapes(sd2, "diffusers");
  test.each([
    ["v_prediction", { "modelspec.prediction_type": "v" }],
    ["epsilon", { "modelspec.prediction_type": "epsilon" }],
    ["v_prediction", { "modelspec.architecture": "stable-diffusion-v2-768-v" }],
    ["v_prediction", { ss_base_model_version: "sd_v2_v" }],
    ["epsilon", { ss_base_model_version: "sd_v2" }],
  ])("is %s where metadata says so", (type, metadata) => {
    expect(look(shapes, metadata).prediction).toEqual({ type, from: `metadata "${Object.keys(metadata)[0]}"` });
  });

  test("is v where the marker tensor lies beside it", () => {
    expect(look({ ...shapes, v_pred: [0] }).prediction).toEqual({ type: "v_prediction", from: 'tensor "v_pred"' });
  });

  test.each([{}, { ss_base_model_version: "constructor" }, { "modelspec.prediction_type": "x0" }])(
    "is not recorded in %j",
    (metadata) => {
      expect(look(shapes, metadata).prediction).toBeNull();
    },
  );
});

describe("claims of metadata", () => {
  test("that the tensors deny are named, and do not decide", () => {
    const { kind, family, problems } = look(unetShapes(sd1, "diffusers"), {
      format: "guide/1",
      "modelspec.architecture": "stable-diffusion-xl-v1-base",
    });
    expect([kind, family]).toEqual(["unet", "SD 1.x"]);
    expect(problems).toEqual([
      "Its metadata says that it is a guide, and its tensors are not those of one.",
      'Its metadata says SDXL ("modelspec.architecture"), and its tensors are those of SD 1.x.',
    ]);
  });

  test("that the tensors bear out, or of which they say nothing, are no problem", () => {
    expect(look(unetShapes(sd1, "diffusers"), { format: "pt", ss_base_model_version: "sd_v1" }).problems).toEqual([]);
    expect(
      look(unetShapes({ ...sd1, textWidth: 128 }, "diffusers"), { ss_base_model_version: "sdxl_base_v1-0" }).problems,
    ).toEqual([]);
  });
});

test("types that are mixed are given with their shares", () => {
  const file = headerOf({ latents: [1, 4, 8, 8] }, { dtype: "F32" });
  const more = headerOf({ ids: [4, 16] }, { dtype: "I64" });
  const tensors = new Map([...file.header.tensors, ...more.header.tensors]);
  expect(describeFile({ ...file, header: { ...file.header, tensors } }).dtypes).toEqual([
    { dtype: "F32", parameters: 256, share: 0.8 },
    { dtype: "I64", parameters: 64, share: 0.2 },
  ]);
});
