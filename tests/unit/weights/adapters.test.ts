import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { requireLowRankFits } from "#lib/inspection/low-rank-fit.ts";
import { readJson } from "#lib/util/read-json.ts";
import { ldmModules } from "#lib/weights/adapters/ldm-modules.ts";
import { modulePattern } from "#lib/weights/adapters/module-pattern.ts";
import { type AdaptedNetwork, adapterName } from "#lib/weights/adapters/names.ts";
import { readAdapter, requireNetworks } from "#lib/weights/adapters/read-adapter.ts";
import { type Numbers, numbers, scalar, writeTensors } from "../../support/adapter-file.ts";
import { readWeights } from "../../support/altered-model.ts";
import { temporaryFolder } from "../../support/cli.ts";
import { starter } from "../../support/golden.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder.remove());

describe("names", () => {
  const attention = "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q";
  // As published files and the reference libraries write them.
  test.each([
    [
      "lora_unet_down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_q.lora_down.weight",
      "unet",
      attention,
      "down",
    ],
    ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora_A.weight", "unet", attention, "down"],
    ["unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.to_q.lora.up.weight", "unet", attention, "up"],
    [
      "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_q_lora.down.weight",
      "unet",
      attention,
      "down",
    ],
    [
      "down_blocks.1.attentions.0.transformer_blocks.0.attn1.processor.to_out_lora.up.weight",
      "unet",
      "down_blocks_1_attentions_0_transformer_blocks_0_attn1_to_out_0",
      "up",
    ],
    ["base_model.model.down_blocks.1.resnets.0.conv1.lora_B.weight", "unet", "down_blocks_1_resnets_0_conv1", "up"],
    ["base_model.model.conv_in.lora_A.default.weight", "unet", "conv_in", "down"],
    [
      "base_model.model.unet.mid_block.resnets.1.conv2.lora_A.style.weight",
      "unet",
      "mid_block_resnets_1_conv2",
      "down",
    ],
    ["unet.base_model.model.conv_in.lora_B.weight", "unet", "conv_in", "up"],
    [
      "text_encoder.base_model.model.text_model.encoder.layers.0.mlp.fc1.lora_A.weight",
      "textEncoder",
      "encoder_layers_0_mlp_fc1",
      "down",
    ],
    ["lora_unet_input_blocks_4_1_proj_in.alpha", "unet", "input_blocks_4_1_proj_in", "alpha"],
    ["diffusion_model.output_blocks.2.1.conv.lora_up.weight", "unet", "output_blocks_2_1_conv", "up"],
    ["lora_te_text_model_encoder_layers_0_mlp_fc1.lora_mid.weight", "textEncoder", "encoder_layers_0_mlp_fc1", "mid"],
    ["lora_te_encoder_layers_0_mlp_fc1.lora_up.weight", "textEncoder", "encoder_layers_0_mlp_fc1", "up"],
    [
      "lora_te1_text_model_encoder_layers_0_self_attn_k_proj.dora_scale",
      "textEncoder",
      "encoder_layers_0_self_attn_k_proj",
      "doraScale",
    ],
    [
      "text_encoder.text_model.encoder.layers.0.self_attn.q_proj.lora_linear_layer.down.weight",
      "textEncoder",
      "encoder_layers_0_self_attn_q_proj",
      "down",
    ],
    [
      "text_encoder.text_model.encoder.layers.0.self_attn.to_out_lora.up.weight",
      "textEncoder",
      "encoder_layers_0_self_attn_out_proj",
      "up",
    ],
    ["text_encoder_2.encoder.layers.31.mlp.fc2.lora_B.weight", "textEncoder2", "encoder_layers_31_mlp_fc2", "up"],
    ["lora_te2_text_projection.lora_down.weight", "textEncoder2", "text_projection", "down"],
    [
      "base_model.model.text_model.encoder.layers.0.self_attn.v_proj.lora_magnitude_vector",
      "textEncoder",
      "encoder_layers_0_self_attn_v_proj",
      "magnitude",
    ],
    ["unet.conv_out.lora_magnitude_vector.default.weight", "unet", "conv_out", "magnitude"],
    ["text_encoder_3.encoder.block.0.layer.0.SelfAttention.q.lora_A.weight", "textEncoder3", null, "down"],
    ["transformer.single_transformer_blocks.0.attn.to_q.lora_A.weight", "transformer", null, "down"],
    ["lora_unet_double_blocks_0_img_attn_qkv.lora_down.weight", "transformer", null, "down"],
    ["lora_prior_te_text_model_encoder_layers_0_mlp_fc1.lora_up.weight", "other", null, "up"],
  ])("%s", (tensor, network, module, part) => {
    const { shown: _shown, spelling: _spelling, algorithm: _algorithm, ...found } = adapterName(tensor)!;
    expect(found).toEqual({ network, module: module ?? found.module, part });
  });

  test.each([
    ["lora_unet_mid_block_resnets_0_conv1.hada_w1_a", "LoHa"],
    ["lora_unet_mid_block_resnets_0_conv1.hada_t2", "LoHa"],
    ["lora_unet_mid_block_resnets_0_conv1.lokr_w2_b", "LoKr"],
    ["lora_unet_mid_block_resnets_0_conv1.oft_blocks", "OFT"],
    ["base_model.model.conv_in.oft_R.default.weight", "OFT"],
    ["lora_unet_mid_block_resnets_0_conv1.a1.weight", "GLoRA"],
    ["lora_unet_mid_block_resnets_0_conv1.on_input", "(IA)³"],
    ["lora_unet_mid_block_resnets_0_conv1.weight", "(IA)³"],
    ["base_model.model.conv_in.vera_lambda_b", "VeRA"],
    ["unet.conv_in.lora_B.bias", "LoRA with biases"],
  ])("%s is part of a %s", (tensor, algorithm) => {
    expect(adapterName(tensor)).toMatchObject({ part: "foreign", algorithm });
  });

  test.each(["unet.conv_in.weight", "down_blocks.0.resnets.0.conv1.bias", ".alpha", "emb_params", "lora_controlnet"])(
    "%s is no part of an adapter",
    (tensor) => expect(adapterName(tensor)).toBeNull(),
  );

  // The numbers of sgm's UNet for SDXL, whose three levels have two resnets each.
  test.each([
    ["conv_in", ["input_blocks_0_0"]],
    ["down_blocks.0.resnets.1.conv1", ["input_blocks_2_0_in_layers_2"]],
    ["down_blocks.0.downsamplers.0.conv", ["input_blocks_3_0_op"]],
    ["down_blocks.1.attentions.0.proj_in", ["input_blocks_4_1_proj_in"]],
    [
      "down_blocks.2.attentions.1.transformer_blocks.9.attn2.to_out.0",
      ["input_blocks_8_1_transformer_blocks_9_attn2_to_out_0"],
    ],
    ["mid_block.attentions.0.proj_out", ["middle_block_1_proj_out"]],
    ["mid_block.resnets.1.time_emb_proj", ["middle_block_2_emb_layers_1"]],
    ["up_blocks.0.resnets.2.conv_shortcut", ["output_blocks_2_0_skip_connection"]],
    ["up_blocks.0.upsamplers.0.conv", ["output_blocks_2_1_conv", "output_blocks_2_2_conv"]],
    ["up_blocks.1.attentions.2.proj_in", ["output_blocks_5_1_proj_in"]],
    ["up_blocks.2.resnets.2.conv2", ["output_blocks_8_0_out_layers_3"]],
    ["time_embedding.linear_2", ["time_embed_2"]],
    ["add_embedding.linear_1", ["label_emb_0_0"]],
    ["conv_out", ["out_2"]],
  ])("%s is %s in LDM", (path, modules) => {
    expect(ldmModules(path, [2, 2, 2])).toEqual(modules);
  });
});

describe("one fine-tune in every spelling", () => {
  const kohya: Record<string, Numbers> = {};
  let base: Parameters<typeof requireLowRankFits>[1];
  const paths: string[] = [];
  beforeAll(async () => {
    for (const [name, { shape, data }] of (await readWeights(starter("neon-lora/neon.safetensors"))).tensors)
      kohya[name] = { shape, data: Float64Array.from(data) };
    base = {
      unet: parseUNetConfig(await readJson(starter("storybook/unet/config.json"), "config"), "config"),
      textEncoders: [
        parseTextEncoderConfig(await readJson(starter("storybook/text_encoder/config.json"), "config"), "config"),
      ],
    };
    const { tensors } = await readWeights(starter("storybook/unet/diffusion_pytorch_model.safetensors"));
    paths.push(...[...tensors.keys()].filter((name) => name.endsWith(".weight")).map((name) => name.slice(0, -7)));
  });

  /** neon's tensors with every module spelt by `spell`, and every part by `parts`. */
  const respelt = (spell: (path: string) => string, parts: { down: string; up: string }): Record<string, Numbers> => {
    const out: Record<string, Numbers> = {};
    for (const path of paths) {
      const module = `lora_unet_${path.replaceAll(".", "_")}`;
      for (const [part, name] of [
        ["down", parts.down],
        ["up", parts.up],
      ] as const) {
        const found = kohya[`${module}.lora_${part}.weight`];
        if (found) out[spell(path) + name] = found;
      }
      const alpha = kohya[`${module}.alpha`];
      if (alpha && kohya[`${module}.lora_up.weight`]) out[`${spell(path)}.alpha`] = alpha;
    }
    return out;
  };
  const flat = (path: string): string => path.replaceAll(".", "_");
  const peft = { down: ".lora_A.weight", up: ".lora_B.weight" };
  const old = (path: string): string =>
    path.replace(/(?<=\.attn\d)\.(to_[qkv]|to_out)(\.0)?$/, (_whole, name: string) => `.processor.${name}`);
  const isAttention = (path: string): boolean => /\.attn\d\.to_/.test(path);

  test.each([
    ["kohya", () => respelt((path) => `lora_unet_${flat(path)}`, { down: ".lora_down.weight", up: ".lora_up.weight" })],
    ["kohya, LDM blocks", () => respelt(ldm, { down: ".lora_down.weight", up: ".lora_up.weight" })],
    ["PEFT", () => respelt((path) => `unet.${path}`, peft)],
    ["PEFT without a network", () => respelt((path) => path, peft)],
    ["PEFT by itself", () => respelt((path) => `base_model.model.${path}`, peft)],
    [
      "PEFT with the adapter's name",
      () =>
        respelt((path) => `base_model.model.${path}`, {
          down: ".lora_A.default.weight",
          up: ".lora_B.default.weight",
        }),
    ],
    ["diffusers", () => respelt((path) => `unet.${path}`, { down: ".lora.down.weight", up: ".lora.up.weight" })],
    [
      "diffusers' processors beside PEFT",
      () => {
        const mixed = respelt((path) => `unet.${path}`, peft);
        for (const path of paths.filter(isAttention)) {
          for (const [now, before] of [
            ["lora_A.weight", "_lora.down.weight"],
            ["lora_B.weight", "_lora.up.weight"],
          ] as const) {
            mixed[`unet.${old(path)}${before}`] = mixed[`unet.${path}.${now}`]!;
            delete mixed[`unet.${path}.${now}`];
          }
        }
        return mixed;
      },
    ],
  ] as const)("%s: every layer finds its place, and changes it alike", async (_what, tensors) => {
    const path = await writeTensors(folder.path("respelt.safetensors"), tensors());
    const adapter = await readAdapter(path, 1);
    expect(adapter.unet.size).toBe(118);
    requireLowRankFits(adapter, base);
    const layers = adapter.unet.forLevels(base.unet.layersPerBlock);
    const change = layers.take("up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0", [160, 160]);
    expect(change).toMatchObject({ kind: "low rank", scale: 0.5, down: { shape: [16, 160] } });
  });

  /** The one LDM name of a path that has several. */
  const ldm = (path: string): string => `lora_unet_${ldmModules(path, [1, 1, 1]).at(-1)!}`;

  test("in LDM's blocks and in those of diffusers at once, the latter count", async () => {
    const parts = { down: ".lora_down.weight", up: ".lora_up.weight" };
    const both = { ...respelt(ldm, parts), ...respelt((path) => `lora_unet_${flat(path)}`, parts) };
    const adapter = await readAdapter(await writeTensors(folder.path("both.safetensors"), both), 1);
    requireLowRankFits(adapter, base);
    const place = "up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0";
    expect(adapter.unet.forLevels(base.unet.layersPerBlock).take(place, [160, 160])).toMatchObject({
      down: { name: `lora_unet_${flat(place)}.lora_down.weight` },
    });
  });

  test("some layers in LDM's blocks and others in those of diffusers: all count", async () => {
    const parts = { down: ".lora_down.weight", up: ".lora_up.weight" };
    const half = (path: string): string => (isAttention(path) ? ldm(path) : `lora_unet_${flat(path)}`);
    const adapter = await readAdapter(await writeTensors(folder.path("half.safetensors"), respelt(half, parts)), 1);
    expect(adapter.unet.size).toBe(118);
    requireLowRankFits(adapter, base);
    const attention = "up_blocks.0.attentions.1.transformer_blocks.0.attn2.to_out.0";
    const layers = adapter.unet.forLevels(base.unet.layersPerBlock);
    expect(layers.take(attention, [160, 160])).not.toBeNull();
  });

  test("one part of a layer twice is refused", async () => {
    const twice = { ...respelt((path) => `unet.${path}`, peft), ...respelt((path) => path, peft) };
    const path = await writeTensors(folder.path("twice.safetensors"), twice);
    await expect(readAdapter(path, 1)).rejects.toThrow(/are the same part of one layer/);
  });

  test("a block that the base does not have is named, as the file spells it", async () => {
    const more = { ...respelt((path) => `unet.${path}`, peft) };
    for (const part of [".lora_A.weight", ".lora_B.weight"])
      more[`unet.down_blocks.3.resnets.0.conv1${part}`] = more[`unet.down_blocks.2.resnets.0.conv1${part}`]!;
    const adapter = await readAdapter(await writeTensors(folder.path("more.safetensors"), more), 1);
    expect(() => requireLowRankFits(adapter, base)).toThrow(
      /made for another base: it changes "unet\.down_blocks\.3\.resnets\.0\.conv1", which this model's UNet does not have/,
    );
  });
});

const q = (layer: number): string => `encoder.layers.${layer}.self_attn.q_proj`;
const pair = (module: string, rank = 4): Record<string, Numbers> => ({
  [`${module}.lora_A.weight`]: numbers(1, rank, 8),
  [`${module}.lora_B.weight`]: numbers(2, 8, rank),
});

describe("scales", () => {
  const unet = "mid_block.resnets.0.time_emb_proj";
  const modules = { [`unet.${unet}`]: 4, [`text_encoder.${q(0)}`]: 4, [`text_encoder.text_model.${q(1)}`]: 2 };
  const tensors = Object.assign({}, ...Object.entries(modules).map(([name, rank]) => pair(name, rank))) as Record<
    string,
    Numbers
  >;

  async function scalesOf(path: string): Promise<number[]> {
    const adapter = await readAdapter(path, 1);
    const scale = (network: AdaptedNetwork, module: string): number => {
      const change = adapter[network].take(module, [8, 8]);
      return change?.kind === "low rank" ? change.scale : NaN;
    };
    return [scale("unet", unet), scale("textEncoder", q(0)), scale("textEncoder", q(1))];
  }

  test.each([
    ["nothing is said", {}, [1, 1, 1]],
    ["kohya's metadata speak of the run", { ss_network_alpha: "1" }, [1, 1, 1]],
    ["each network has its own alpha", { "unet.lora_alpha": 8, "text_encoder.lora_alpha": 1 }, [2, 0.25, 0.5]],
    ["only the text encoder has one", { "text_encoder.lora_alpha": 8 }, [1, 2, 4]],
    ["one holds for all", { lora_alpha: 2 }, [0.5, 0.5, 1]],
    [
      "ranks are stabilised in one",
      { "unet.lora_alpha": 8, "text_encoder.lora_alpha": 8, "text_encoder.use_rslora": true },
      [2, 4, 8 / Math.SQRT2],
    ],
    [
      "patterns name modules",
      {
        "unet.lora_alpha": 4,
        "unet.alpha_pattern": { "^mid_block.resnets.0.time_emb_proj": 6 },
        "text_encoder.lora_alpha": 4,
        "text_encoder.alpha_pattern": { "layers.1.self_attn.q_proj": 1, ".*q_proj": 2, "encoder.layers.0.*": 100 },
      },
      [1.5, 0.5, 0.5],
    ],
    ["a pattern fits no whole step of a path", { "unet.lora_alpha": 4, "unet.alpha_pattern": { proj: 8 } }, [1, 1, 1]],
  ])("where %s", async (_what, settings: Record<string, unknown>, expected) => {
    const metadata: Record<string, string> =
      "ss_network_alpha" in settings
        ? (settings as Record<string, string>)
        : { lora_adapter_metadata: JSON.stringify(settings) };
    const path = await writeTensors(folder.path("scales.safetensors"), tensors, { metadata });
    expect(await scalesOf(path)).toEqual(expected.map((value) => expect.closeTo(value, 12)));
  });

  test("an alpha of the layer's own comes first", async () => {
    const metadata = { lora_adapter_metadata: JSON.stringify({ "unet.lora_alpha": 8 }) };
    const own = { ...tensors, [`unet.${unet}.alpha`]: scalar(1) };
    expect((await scalesOf(await writeTensors(folder.path("own.safetensors"), own, { metadata })))[0]).toBe(0.25);
  });

  test.each([
    ["not JSON", "{", /is not JSON/],
    ["a list", "[]", /is not an object/],
    ["another kind", '{"peft_type":"LOHA","lora_alpha":1}', /is of the kind LOHA/],
    ["weights of inputs first", '{"unet.fan_in_fan_out":true}', /inputs first/],
    ["a changed base", '{"unet.init_lora_weights":"pissa_niter_4"}', /changes the base itself/],
    ["an alpha that is text", '{"unet.lora_alpha":"8"}', /"lora_alpha" that is not read/],
    ["an expression of its own", '{"unet.alpha_pattern":{"(a+)+$":8}}', /alpha_pattern "\(a\+\)\+\$" that is not read/],
    ["DoRA without magnitudes", '{"unet.use_dora":true,"unet.lora_alpha":4}', /says that it is a DoRA/],
  ])("settings of %s are refused in a sentence", async (_what, lora_adapter_metadata, sentence) => {
    const path = await writeTensors(folder.path("bad.safetensors"), tensors, { metadata: { lora_adapter_metadata } });
    await expect(readAdapter(path, 1)).rejects.toThrow(sentence);
  });

  test("a folder as PEFT saves it is read with the settings beside the weights", async () => {
    const path = folder.path("peft");
    await mkdir(path, { recursive: true });
    await writeTensors(join(path, "adapter_model.safetensors"), pair(`base_model.model.${unet}`));
    const config = { peft_type: "LORA", r: 4, lora_alpha: 16, use_rslora: true, alpha_pattern: {}, rank_pattern: {} };
    await writeFile(join(path, "adapter_config.json"), JSON.stringify(config));
    for (const given of [path, join(path, "adapter_model.safetensors")]) {
      const change = (await readAdapter(given, 1)).unet.take(unet, [8, 8]);
      expect(change).toMatchObject({ scale: 8 });
    }
    await writeFile(join(path, "adapter_config.json"), JSON.stringify({ ...config, peft_type: "IA3" }));
    await expect(readAdapter(path, 1)).rejects.toThrow(
      /^The adapter_config\.json beside .*adapter_model\.safetensors is of the kind IA3/,
    );
  });

  test.each(["a{2}", "(a|b)*", "[a-z]", "x".repeat(201), ".*.*.*.*", "(", "a\\sb"])(
    "the expression %s is not followed",
    (key) => expect(modulePattern(key)).toBeNull(),
  );

  test.each([
    "to_q",
    "attn1.to_q",
    "^down_blocks\\.0\\.attentions\\.\\d+\\.to_q$",
    "(to_q|to_k)",
    "(|x)to_v",
    "down_.*to_(q|v)".replace("_.*", "_blocks.*."),
    ".*\\d*.+",
    "([0-9]+)",
    "[0-9]",
    ".",
    "to_.|attn1",
    "a$b",
  ])("the expression %s fits what JavaScript's own engine says", (key) => {
    for (const module of ["to_q", "down_blocks.0.attentions.12.to_q", "attn1.to_q", "xattn1.to_q", "to_qx", "a.7", ""])
      expect({ module, fits: modulePattern(key)!.test(module) }).toEqual({
        module,
        fits: new RegExp(`^(.*\\.)?(${key})$`).test(module),
      });
  });
});

describe("networks", () => {
  let path: string;
  beforeEach(() => void (path = folder.path("networks.safetensors")));

  test("each has a strength of its own where that is asked for", async () => {
    await writeTensors(path, {
      ...pair(`unet.${"mid_block.resnets.0.time_emb_proj"}`),
      ...pair(`text_encoder.${q(0)}`),
    });
    const { unet, textEncoder } = await readAdapter(path, { unet: 0.5, textEncoder: 0, textEncoder2: 1 });
    expect(unet.take("mid_block.resnets.0.time_emb_proj", [8, 8])).toMatchObject({ strength: 0.5 });
    expect(textEncoder.take(q(0), [8, 8])).toMatchObject({ strength: 0 });
  });

  test("a second text encoder is passed over by a base that has none, unless nothing else is changed", async () => {
    await writeTensors(path, { ...pair(`text_encoder.${q(0)}`), ...pair(`text_encoder_2.${q(0)}`) });
    requireNetworks(await readAdapter(path, 1), ["unet", "textEncoder"]);
    await writeTensors(path, pair(`lora_te2_text_model_${q(0).replaceAll(".", "_")}`));
    expect(requireNetworks.bind(null, await readAdapter(path, 1), ["unet", "textEncoder"])).toThrow(
      /changes only the second text encoder, and this model has none/,
    );
  });

  test("layers that a shorter text encoder lacks are told, and not refused", async () => {
    await writeTensors(path, { ...pair(`text_encoder.${q(0)}`), ...pair(`text_encoder.${q(1)}`) });
    const { textEncoder } = await readAdapter(path, 1);
    textEncoder.take(q(0), [8, 8]);
    textEncoder.requireAllTaken();
    expect(textEncoder.surplus()).toEqual([`text_encoder.${q(1)}`]);
  });

  test.each([
    ["transformer.single_transformer_blocks.0.attn.to_q", "part of a diffusion transformer"],
    ["text_encoder_3.encoder.block.0.layer.0.SelfAttention.q", "part of a third text encoder"],
    ["something.else", "part of a network that is not known here"],
  ])("%s is refused as what it is", async (module, sentence) => {
    await writeTensors(path, pair(module));
    await expect(readAdapter(path, 1)).rejects.toThrow(`changes "${module}", ${sentence}`);
  });

  test("weights that are no floats are refused in a sentence", async () => {
    await writeTensors(path, pair("unet.conv_in"), { dtype: "I8" });
    await expect(readAdapter(path, 1)).rejects.toThrow(
      'the tensor "unet.conv_in.lora_A.weight" is stored as I8; save the adapter in F32, F16 or BF16.',
    );
  });
});
