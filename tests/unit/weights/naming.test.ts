import { readFileSync } from "node:fs";
import { describe, expect, test } from "vitest";
import { parseTextEncoderConfig } from "#lib/diffusion/text-encoder-config.ts";
import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { parseUNetConfig } from "#lib/diffusion/unet-config.ts";
import { joinedGraph, smallestSize } from "#lib/diffusion/unet-graphs.ts";
import { parseVaeConfig } from "#lib/diffusion/vae-config.ts";
import { vaeDecoderGraph, vaeEncoderGraph } from "#lib/diffusion/vae-graphs.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { clipNaming } from "#lib/weights/names/clip.ts";
import { ldmUNetNaming } from "#lib/weights/names/ldm-unet.ts";
import { ldmVaeNaming } from "#lib/weights/names/ldm-vae.ts";
import { openClipNaming } from "#lib/weights/names/open-clip.ts";
import { vaeNaming } from "#lib/weights/names/vae.ts";
import { type Naming, within } from "#lib/weights/tensor-view.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { headerOf, type Shapes } from "../../fixtures/inspection/headers.ts";

/** A tensor of ours, as the reference's converters make it of a foreign one. */
interface Ours {
  readonly foreign: string;
  readonly name: string;
  readonly shape: readonly number[];
  readonly row: number;
  readonly transposed: boolean;
}

function readTable(network: string): { foreign: Shapes; ours: Ours[] } {
  const foreign: Record<string, readonly number[]> = {};
  const ours: Ours[] = [];
  const dims = (text: string): number[] => (text ? text.split("x").map(Number) : []);
  const table = readFileSync(new URL(`../../golden/ldm-names/${network}.tsv`, import.meta.url), "utf8");
  for (const line of table.split("\n").slice(0, -1)) {
    const [from, fromShape, name, shape, row, transposed] = line.split("\t");
    foreign[from!] = dims(fromShape!);
    if (name !== undefined)
      ours.push({ foreign: from!, name, shape: dims(shape!), row: Number(row), transposed: transposed === "1" });
  }
  return { foreign, ours };
}

/** The tensors of a file in half precision one behind the other, as a naming has them. */
function mapped(foreign: Shapes, naming: Naming): { map: WeightMap; begins: ReadonlyMap<string, number> } {
  const file = headerOf(foreign);
  let end = 1000;
  const tensors = new Map(
    Array.from(file.header.tensors, ([name, entry]) => [
      name,
      { ...entry, begin: end, end: (end += 2 * sizeOf(entry.shape)) },
    ]),
  );
  const begins = new Map(Array.from(tensors, ([name, { begin }]) => [name, begin]));
  return { map: new WeightMap("a file", [{ ...file, header: { ...file.header, tensors } }], naming), begins };
}

const sd = {
  channels: [320, 640, 1280, 1280],
  layersPerBlock: [2, 2, 2, 2],
  downAttends: [true, true, true, false],
  upAttends: [false, true, true, true],
};
const sdxl = {
  channels: [320, 640, 1280],
  layersPerBlock: [2, 2, 2],
  downAttends: [false, true, true],
  upAttends: [true, true, false],
};
const odd = {
  channels: [32, 64, 96],
  layersPerBlock: [3, 3, 3],
  downAttends: [false, true, false],
  upAttends: [false, true, false],
};
const vae = { channels: [128, 256, 512, 512] };

describe("every tensor of a single file is where the reference's converter has it", () => {
  test.each([
    ["sd1-unet", ldmUNetNaming(sd), 686, 859_520_964],
    ["sd2-unet", ldmUNetNaming(sd), 686, 865_910_724],
    ["sdxl-unet", ldmUNetNaming(sdxl), 1680, 2_567_463_684],
    ["odd-unet", ldmUNetNaming(odd), 484, 3_904_804],
    ["vae", ldmVaeNaming(vae), 248, 83_653_863],
    ["clip-l", clipNaming, 196, 123_060_480],
    ["open-clip-h", openClipNaming, 372, 340_387_840],
    ["open-clip-g", openClipNaming, 517, 694_659_840],
  ] as const)("%s", (network, naming, tensors, parameters) => {
    const { foreign, ours } = readTable(network);
    const { map, begins } = mapped(foreign, naming);
    for (const { foreign: from, name, shape, row, transposed } of ours) {
      const begin = begins.get(from)! + 2 * row * sizeOf(foreign[from]!.slice(1));
      expect(map.take(name, shape), name).toEqual({
        path: "/nowhere",
        name,
        dtype: "F16",
        shape,
        begin,
        end: begin + 2 * sizeOf(shape),
        ...(transposed ? { transposed } : {}),
      });
    }
    map.requireAllTaken();
    expect(ours).toHaveLength(tensors);
    expect(ours.reduce((sum, { shape }) => sum + sizeOf(shape), 0)).toBe(parameters);
  });
});

describe("the networks take exactly the tensors of a single file", () => {
  const stack = { in_channels: 4, out_channels: 4, block_out_channels: [320, 640, 1280, 1280] };
  const unet = {
    ...stack,
    _class_name: "UNet2DConditionModel",
    down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
    up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
  };
  test.each([
    ["sd1-unet", { ...unet, cross_attention_dim: 768, attention_head_dim: 8 }],
    [
      "sd2-unet",
      { ...unet, cross_attention_dim: 1024, attention_head_dim: [5, 10, 20, 20], use_linear_projection: true },
    ],
    [
      "sdxl-unet",
      {
        ...unet,
        block_out_channels: sdxl.channels,
        down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
        up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
        cross_attention_dim: 2048,
        attention_head_dim: [5, 10, 20],
        transformer_layers_per_block: [1, 2, 10],
        use_linear_projection: true,
        addition_embed_type: "text_time",
        addition_time_embed_dim: 256,
        projection_class_embeddings_input_dim: 2816,
      },
    ],
  ])("%s", (network, json) => {
    const config = parseUNetConfig(json, network);
    const { map: weights } = mapped(readTable(network).foreign, ldmUNetNaming(config));
    joinedGraph(config, smallestSize(config), externalParameters(weights));
    weights.requireAllTaken();
  });

  const projects = { architectures: ["CLIPTextModelWithProjection"], projection_dim: 1280 };

  test("vae", () => {
    const json = {
      _class_name: "AutoencoderKL",
      in_channels: 3,
      out_channels: 3,
      latent_channels: 4,
      block_out_channels: vae.channels,
      layers_per_block: 2,
    };
    const config = parseVaeConfig(json, "vae");
    const { map: weights } = mapped(readTable("vae").foreign, ldmVaeNaming(config));
    vaeEncoderGraph(config, 8, 8, externalParameters(weights));
    vaeDecoderGraph(config, 8, 8, externalParameters(weights));
    weights.requireAllTaken();
  });

  test.each([
    ["clip-l", clipNaming, { hidden_size: 768, num_hidden_layers: 12, num_attention_heads: 12 }],
    ["clip-l", clipNaming, { hidden_size: 768, num_hidden_layers: 11, num_attention_heads: 12 }], // clip skip
    ["open-clip-h", openClipNaming, { hidden_size: 1024, num_hidden_layers: 23, num_attention_heads: 16 }],
    ["open-clip-g", openClipNaming, { hidden_size: 1280, num_hidden_layers: 32, num_attention_heads: 20, ...projects }],
  ] as const)("%s", (network, naming, sizes) => {
    const rest = { intermediate_size: 4 * sizes.hidden_size, vocab_size: 49_408, max_position_embeddings: 77 };
    const config = parseTextEncoderConfig({ ...sizes, ...rest }, network);
    const { map: weights } = mapped(readTable(network).foreign, naming);
    textEncoderGraph(config, externalParameters(weights), lastStates);
    weights.requireAllTaken();
  });
});

const layersOf = (naming: Naming, names: readonly string[], shape: readonly number[] = [8, 8]): string[] =>
  names.flatMap((name) => naming({ name, shape }).map((view) => view.name));

describe("a name that is not known stays as it is, so that it is found left over", () => {
  test.each([
    ["UNet", ldmUNetNaming(sd), "input_blocks.3.0.in_layers.0.weight"], // the step to the next level holds no resnet
    ["UNet", ldmUNetNaming(sd), "input_blocks.10.1.norm.weight"], // the last level does not attend
    ["UNet", ldmUNetNaming(sd), "input_blocks.12.0.op.weight"],
    ["UNet", ldmUNetNaming(sd), "output_blocks.11.2.conv.weight"],
    ["UNet", ldmUNetNaming(sd), "output_blocks.99999999999.0.in_layers.0.weight"],
    ["UNet", ldmUNetNaming(sd), "input_blocks.1.0.in_layers.1.weight"],
    ["UNet", ldmUNetNaming(sd), "middle_block.3.norm.weight"],
    ["UNet", ldmUNetNaming(sd), "label_emb.weight"],
    ["UNet", ldmUNetNaming(sd), "scaled_fp8"],
    ["UNet", ldmUNetNaming(sd), ""],
    ["VAE", ldmVaeNaming(vae), "encoder.down.0.attn.0.q.weight"],
    ["VAE", ldmVaeNaming(vae), "decoder.up.4.block.0.conv1.weight"],
    ["VAE", ldmVaeNaming(vae), "encoder.mid.attn_2.q.weight"],
    ["OpenCLIP", openClipNaming, "transformer.resblocks.0.ls_1.gamma"],
    ["OpenCLIP", openClipNaming, "cls_emb"],
  ] as const)("%s: %s", (_network, naming, name) => {
    expect(naming({ name, shape: [8] })).toEqual([{ name }]);
  });
});

test("an old spelling of a VAE's attention is read, as matrices or as convolutions", () => {
  const path = "decoder.mid_block.attentions.0";
  for (const shape of [
    [8, 8],
    [8, 8, 1],
    [8, 8, 1, 1],
  ]) {
    const { map } = mapped(
      {
        [`${path}.query.weight`]: shape,
        [`${path}.key.weight`]: shape,
        [`${path}.value.weight`]: shape,
        [`${path}.proj_attn.weight`]: shape,
        [`${path}.group_norm.weight`]: [8],
      },
      vaeNaming,
    );
    for (const name of ["to_q", "to_k", "to_v", "to_out.0"]) map.take(`${path}.${name}.weight`, [8, 8]);
    map.take(`${path}.group_norm.weight`, [8]);
    map.requireAllTaken();
  }
});

test("what transformers passes over in a text encoder is not missed, and anything else is", () => {
  const whole = [
    "text_model.embeddings.position_ids",
    "vision_model.encoder.layers.0.mlp.fc1.weight",
    "visual_projection.weight",
    "logit_scale",
  ];
  expect(layersOf(clipNaming, whole)).toEqual([]);
  expect(layersOf(openClipNaming, ["logit_scale", "attn_mask", "visual.proj", "logit_bias"])).toEqual([]);
  expect(clipNaming({ name: "text_projection.weight", shape: [8, 8] })).toEqual([
    { name: "text_projection.weight", optional: true },
  ]);
  const spare = mapped({ "encoder.layers.7.mlp.fc1.weight": [8, 8], "final_layer_norm.bias": [8] }, clipNaming).map;
  spare.requireAllTaken();
  expect(() => mapped({ "encoder.layers.7.mlp.fc1.gate": [8, 8] }, clipNaming).map.requireAllTaken()).toThrow(
    '"encoder.layers.7.mlp.fc1.gate"',
  );
});

test("checkpoints of 2022 have CLIP's names with and without text_model", () => {
  const names = ["embeddings.token_embedding.weight", "encoder.layers.0.layer_norm1.bias"];
  const prefix = "cond_stage_model.transformer.";
  const naming = within(prefix, clipNaming);
  for (const wrapper of ["", "text_model."])
    expect(
      layersOf(
        naming,
        names.map((name) => prefix + wrapper + name),
      ),
    ).toEqual(names);
  expect(layersOf(naming, ["first_stage_model.quant_conv.weight", "alphas_cumprod"])).toEqual([]);
});
