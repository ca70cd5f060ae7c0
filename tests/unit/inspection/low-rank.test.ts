import { writeFile } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { describeFile } from "#lib/inspection/describe.ts";
import { inspectFile } from "#lib/inspection/inspect-file.ts";
import { zeros } from "#lib/tensor/tensor.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { headerOf, type Shapes } from "../../fixtures/inspection/headers.ts";
import { temporaryFolder } from "../../support/cli.ts";

const look = (shapes: Shapes) => describeFile(headerOf(shapes));

const kohya = (module: string, down: readonly number[], up: readonly number[]): Shapes => ({
  [`${module}.lora_down.weight`]: down,
  [`${module}.lora_up.weight`]: up,
  [`${module}.alpha`]: [],
});
const peft = (module: string, down: readonly number[], up: readonly number[]): Shapes => ({
  [`${module}.lora_A.weight`]: down,
  [`${module}.lora_B.weight`]: up,
});
const attention = "down_blocks_0_attentions_0_transformer_blocks_0_attn2_to_k";
const dotted = "down_blocks.0.attentions.0.transformer_blocks.0.attn2";

test.each([
  ["kohya", "SD 1.x", 768, kohya(`lora_unet_${attention}`, [32, 768], [320, 32])],
  ["kohya", "SD 2.x", 1024, kohya(`lora_unet_${attention}`, [8, 1024], [320, 8])],
  ["PEFT", "SD 1.x", 768, peft(`unet.${dotted}.to_k`, [4, 768], [320, 4])],
  ["kohya", "SD 1.x", 768, kohya("lora_unet_input_blocks_1_1_transformer_blocks_0_attn2_to_k", [8, 768], [320, 8])],
  ["kohya", "SDXL", 2048, kohya("lora_unet_input_blocks_4_1_transformer_blocks_0_attn2_to_k", [32, 2048], [640, 32])],
  ["kohya", "SDXL", 2048, kohya("lora_te2_text_model_encoder_layers_0_self_attn_q_proj", [8, 1280], [1280, 8])],
  ["PEFT", "SDXL", 2048, peft("unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k", [4, 2048], [640, 4])],
  ["kohya", "SD 2.x", 1024, kohya("lora_te_text_model_encoder_layers_0_self_attn_q_proj", [8, 1024], [1024, 8])],
])("%s layers of a text width that runs are offered for --lora: %s", (form, family, width, shapes) => {
  const { whatRuns, ...facts } = look(shapes);
  expect(facts).toMatchObject({ kind: "low-rank fine-tune", form, family, runs: true });
  expect(whatRuns).toBe(`add it to a base with --lora; its shapes fit a UNet of text width ${width}`);
});

test.each([
  ["kohya", "Flux", kohya("lora_unet_double_blocks_0_img_attn_qkv", [16, 3072], [9216, 16])],
  ["PEFT", "Flux", peft("transformer.single_transformer_blocks.0.attn.to_q", [16, 3072], [3072, 16])],
  ["kohya", "SD 3", kohya("lora_unet_joint_blocks_0_context_block_attn_qkv", [16, 1536], [4608, 16])],
])("%s layers of %s are said not to run", (form, family, shapes) => {
  expect(look(shapes)).toMatchObject({
    kind: "low-rank fine-tune",
    form,
    family,
    runs: false,
    whatRuns: expect.stringContaining(`fine-tune of ${family} does not run here`),
  });
});

test.each(["lora_te_text_model_", "lora_te1_text_model_", "lora_te_"])(
  "layers of a text encoder of 768 (%s) fit SD 1.x and the first of SDXL, and both are said",
  (prefix) => {
    const found = look(kohya(`${prefix}encoder_layers_0_self_attn_q_proj`, [8, 768], [768, 8]));
    expect(found).toMatchObject({ family: "SD 1.x or SDXL", runs: true, lowRank: { textWidth: null } });
    expect(found.lowRank!.bases.map(({ name }) => name)).toEqual(["SD 1.x", "SDXL"]);
    expect(found.whatRuns).toBe("add it to a base with --lora; its shapes fit bases of SD 1.x or SDXL");
  },
);

test("shapes of Flux under metadata of SD 1.5 are named by the shapes, and the metadata called false", () => {
  const flux = kohya("lora_unet_double_blocks_0_img_attn_qkv", [16, 3072], [9216, 16]);
  for (const claim of ["sd_1.5", "sd_v1", "stable-diffusion-v1"]) {
    expect(describeFile(headerOf(flux, { metadata: { ss_base_model_version: claim } }))).toMatchObject({
      family: "Flux",
      problems: ['Its metadata says SD 1.x ("ss_base_model_version"), and its tensors are those of Flux.'],
    });
  }
  const text = kohya("lora_te1_text_model_encoder_layers_0_self_attn_q_proj", [8, 768], [768, 8]);
  for (const claim of ["sdxl_base_v1-0", "sd_v1"])
    expect(describeFile(headerOf(text, { metadata: { ss_base_model_version: claim } })).problems).toEqual([]);
});

test("layers that read no text leave the family open", () => {
  expect(look(kohya("lora_unet_mid_block_resnets_0_conv1", [8, 1280, 3, 3], [1280, 8, 1, 1]))).toMatchObject({
    family: null,
    runs: true,
    whatRuns: expect.stringContaining("do not tell"),
  });
});

test("ranks are all those that occur, and layers are counted by network", () => {
  const { lowRank, parts } = look({
    ...kohya(`lora_unet_${attention}`, [32, 768], [320, 32]),
    ...kohya("lora_unet_conv_in", [4, 4, 3, 3], [320, 4, 1, 1]),
    ...kohya("lora_te_text_model_encoder_layers_0_mlp_fc1", [8, 768], [3072, 8]),
  });
  expect(lowRank).toMatchObject({ ranks: [4, 8, 32], layers: { unet: 2, "text encoder": 1 } });
  expect(parts.map(({ name, tensors }) => [name, tensors])).toEqual([
    ["unet", 6],
    ["text encoder", 3],
  ]);
});

describe("kinds of low-rank layers", () => {
  const old = {
    [`unet.${dotted}.processor.to_k_lora.down.weight`]: [4, 768],
    [`unet.${dotted}.processor.to_k_lora.up.weight`]: [320, 4],
  };
  const loha = Object.fromEntries(
    [
      ["hada_w1_a", [320, 4]],
      ["hada_w1_b", [4, 768]],
      ["hada_w2_a", [320, 4]],
      ["hada_w2_b", [4, 768]],
    ].map(([part, shape]) => [`lora_unet_${attention}.${part as string}`, shape as number[]]),
  );
  const running = {
    diffusers: old,
    "kohya, DoRA": {
      ...kohya(`lora_unet_${attention}`, [4, 768], [320, 4]),
      [`lora_unet_${attention}.dora_scale`]: [320, 1],
    },
    "full difference": { [`lora_unet_${attention}.diff`]: [320, 768] },
    "PEFT, diffusers": {
      ...old,
      ...peft(`unet.${dotted.replace("attn2", "ff.net.0")}.proj`, [4, 320], [2560, 4]),
    },
  };
  const files = {
    LoHa: { ...loha, [`lora_unet_${attention}.alpha`]: [] },
    LoKr: {
      [`lora_unet_${attention}.lokr_w1`]: [16, 16],
      [`lora_unet_${attention}.lokr_w2_a`]: [20, 4],
      [`lora_unet_${attention}.lokr_w2_b`]: [4, 48],
    },
  };
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  beforeAll(async () => void (folder = await temporaryFolder()));
  afterAll(() => folder.remove());

  test.each(Object.entries(running))("%s is offered for --lora", async (form, shapes: Shapes) => {
    const path = folder.path(`${form}.safetensors`);
    await writeFile(
      path,
      writeSafetensors(new Map(Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)]))),
    );
    expect(await inspectFile(path)).toMatchObject({
      kind: "low-rank fine-tune",
      form,
      family: "SD 1.x",
      runs: true,
      problems: [],
    });
  });

  test.each(Object.entries(files))(
    "%s is named, and the one who would add it says why not",
    async (form, shapes: Shapes) => {
      const path = folder.path(`${form}.safetensors`);
      await writeFile(
        path,
        writeSafetensors(new Map(Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)]))),
      );
      const { problems, ...facts } = await inspectFile(path);
      expect(facts).toMatchObject({ kind: "low-rank fine-tune", form, runs: false });
      expect(problems).toEqual([expect.stringContaining(`belongs to a ${form} (`)]);
    },
  );

  test("LoHa's width and rank are read from its halves", () => {
    expect(look(files.LoHa).lowRank).toMatchObject({ ranks: [4], textWidth: 768 });
  });

  test("halves that do not multiply are named", async () => {
    const path = folder.path("halves.safetensors");
    const shapes = kohya(`lora_unet_${attention}`, [4, 768], [320, 8]);
    await writeFile(
      path,
      writeSafetensors(new Map(Object.entries(shapes).map(([name, shape]) => [name, zeros(shape)]))),
    );
    expect(await inspectFile(path)).toMatchObject({
      runs: false,
      problems: [expect.stringContaining("do not multiply")],
    });
  });

  test("alphas are read from the tensors and from PEFT's record", async () => {
    const path = folder.path("alphas.safetensors");
    const tensors = new Map(
      Object.entries(kohya(`lora_unet_${attention}`, [4, 768], [320, 4])).map(([name, shape]) => [name, zeros(shape)]),
    );
    tensors.get(`lora_unet_${attention}.alpha`)!.data[0] = 2.5;
    await writeFile(
      path,
      writeSafetensors(
        tensors,
        new Map([["lora_adapter_metadata", JSON.stringify({ "unet.r": 4, "unet.lora_alpha": 6 })]]),
      ),
    );
    expect((await inspectFile(path)).lowRank?.alphas).toEqual([2.5, 6]);
  });
});
