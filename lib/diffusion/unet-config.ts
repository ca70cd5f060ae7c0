import { z } from "zod";
import type { Activation } from "#lib/nn/activation.ts";
import { AppError } from "#lib/errors.ts";
import {
  levels,
  type MustBe,
  parseConfig,
  requireDivides,
  requireSettings,
  size,
  useOwnConfig,
} from "./config-json.ts";

/** What a `UNet2DConditionModel` computes. Levels are counted finest first, up blocks in the order they run. */
export interface UNetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of each level. */
  readonly channels: readonly number[];
  readonly layersPerBlock: readonly number[];
  readonly downAttends: readonly boolean[];
  readonly upAttends: readonly boolean[];
  /** Heads of the attention of pixels to themselves alone, in blocks that have it (`AttnDownBlock2D`); null in others. */
  readonly downSelfAttention: readonly (number | null)[];
  readonly upSelfAttention: readonly (number | null)[];
  /** Two resnets around a transformer, one resnet alone, or nothing. */
  readonly middle: "transformer" | "resnet" | "none";
  /** Each resnet of the middle divides its sum by this. */
  readonly middleScale: number;
  /** Attention heads by level. */
  readonly heads: readonly number[];
  /** How deep each transformer is: by level and layer on the way down, by block and layer on the way up. */
  readonly downTransformerLayers: readonly (readonly number[])[];
  readonly upTransformerLayers: readonly (readonly number[])[];
  readonly middleTransformerLayers: number;
  /** By level: whether its pixels attend to the text only. */
  readonly onlyCrossAttention: readonly boolean[];
  /** Width of the text states, and what they are projected to first, where they are (`encoder_hid_dim`). */
  readonly crossAttentionDim: number;
  readonly textProjection: number | null;
  readonly activation: Activation;
  readonly groups: number;
  readonly epsilon: number;
  readonly linearProjection: boolean;
  /** Whether embeddings scale and shift a resnet's second norm, or are added before it. */
  readonly scaleShift: boolean;
  readonly cosineFirst: boolean;
  readonly frequencyShift: number;
  readonly timeEmbeddingWidth: number;
  /** After the layers of the time embedding, and after everything was added to it. */
  readonly timeActivation: Activation | null;
  readonly embeddingActivation: Activation | null;
  /** Of a latent consistency model, which hears its guidance. */
  readonly guidanceEmbeddingWidth: number | null;
  /** SDXL's pooled text and `timeIds` sizes, each size a sinusoid of `timeIdWidth`. */
  readonly added: { readonly pooledWidth: number; readonly timeIds: number; readonly timeIdWidth: number } | null;
  readonly centerInput: boolean;
  readonly inputKernel: number;
  readonly outputKernel: number;
  /** Whether halving pads all around, so that odd sizes round up; else below and to the right only, and they round down. */
  readonly padsAround: boolean;
  /** Height and width of the latents the base was trained on; null where its config does not say. */
  readonly sampleSize: { readonly height: number; readonly width: number } | null;
}

/** Original size, crop and target size, two numbers each. */
const TIME_IDS = 6;

const perLevel = z.union([size, levels]);
const depths = z
  .array(z.union([size, levels]))
  .min(1)
  .max(8);
const kernel = z
  .int()
  .min(1)
  .max(15)
  .refine((value) => value % 2 === 1, "an even kernel");

/** As diffusers' `get_activation` knows them, in our names. */
const activation = z
  .enum(["silu", "swish", "gelu", "mish", "relu"])
  .transform((name) => (name === "swish" ? "silu" : name));

const unetJson = z.looseObject({
  _class_name: z.literal("UNet2DConditionModel").nullish(),
  _diffusers_version: z.string().max(40).optional(),
  in_channels: size.default(4),
  out_channels: size.default(4),
  block_out_channels: levels.default([320, 640, 1280, 1280]),
  layers_per_block: perLevel.default(2),
  down_block_types: z
    .array(z.enum(["DownBlock2D", "CrossAttnDownBlock2D", "AttnDownBlock2D"]))
    .default(["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]),
  up_block_types: z
    .array(z.enum(["UpBlock2D", "CrossAttnUpBlock2D", "AttnUpBlock2D"]))
    .default(["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"]),
  mid_block_type: z.enum(["UNetMidBlock2DCrossAttn", "UNetMidBlock2D"]).nullable().default("UNetMidBlock2DCrossAttn"),
  mid_block_scale_factor: z.number().positive().default(1),
  attention_head_dim: perLevel.nullable().default(8),
  transformer_layers_per_block: z.union([size, depths]).default(1),
  reverse_transformer_layers_per_block: depths.nullish(),
  only_cross_attention: z.union([z.boolean(), z.array(z.boolean()).min(1).max(8)]).default(false),
  cross_attention_dim: perLevel.default(1280),
  norm_num_groups: size.default(32),
  norm_eps: z.number().positive().default(1e-5),
  use_linear_projection: z.boolean().default(false),
  resnet_time_scale_shift: z.enum(["default", "scale_shift"]).default("default"),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  act_fn: activation.default("silu"),
  time_embedding_act_fn: activation.nullish(),
  timestep_post_act: activation.nullish(),
  downsample_padding: z.union([z.literal(0), z.literal(1)]).default(1),
  encoder_hid_dim: size.nullish(),
  encoder_hid_dim_type: z.literal("text_proj").nullish(),
  time_embedding_dim: size.nullish(),
  time_cond_proj_dim: size.nullish(),
  addition_embed_type: z.literal("text_time").nullish(),
  addition_time_embed_dim: size.nullish(),
  projection_class_embeddings_input_dim: size.nullish(),
  center_input_sample: z.boolean().default(false),
  conv_in_kernel: kernel.default(3),
  conv_out_kernel: kernel.default(3),
  sample_size: z.union([size, z.tuple([size, size])]).nullish(),
});

/** Settings that these blocks do not read, such as `upcast_attention` in float32 or `resnet_skip_time_act`, are not in it. */
const mustBe: MustBe = {
  num_attention_heads: [null], // diffusers refuses it too: it once meant something else
  time_embedding_type: ["positional"],
  attention_type: ["default"],
  dual_cross_attention: [false, null],
  class_embed_type: [null],
  num_class_embeds: [null],
  class_embeddings_concat: [false, null],
};

/** @throws unsupported_model */
export function parseUNetConfig(json: unknown, file: string): UNetConfig {
  const raw = parseConfig(unetJson, json, file);
  requireSettings(raw, mustBe, file);
  const count = raw.block_out_channels.length;
  const refuse = (fault: string): never => {
    throw new AppError("unsupported_model", `${file}: ${fault}; ${useOwnConfig}.`);
  };
  const each = <T>(value: T | readonly T[], name: string): readonly T[] => {
    const list = Array.isArray(value) ? (value as readonly T[]) : Array<T>(count).fill(value as T);
    return list.length === count ? list : refuse(`"${name}" has ${list.length} entries for ${count} levels`);
  };
  if (raw.down_block_types.length !== count || raw.up_block_types.length !== count)
    refuse(`the block types do not match the ${count} levels of "block_out_channels"`);

  const layersPerBlock = each(raw.layers_per_block, "layers_per_block");
  const downAttends = raw.down_block_types.map((type) => type === "CrossAttnDownBlock2D");
  const upAttends = raw.up_block_types.map((type) => type === "CrossAttnUpBlock2D");
  const middle =
    raw.mid_block_type === null ? "none" : raw.mid_block_type === "UNetMidBlock2D" ? "resnet" : "transformer";
  const textWidths = each(raw.cross_attention_dim, "cross_attention_dim");
  const attending = textWidths.filter(
    (_width, level) =>
      downAttends[level] || upAttends[count - 1 - level] || (middle === "transformer" && level === count - 1),
  );
  if (new Set(attending).size > 1) refuse('"cross_attention_dim" differs between levels, and there is one text');

  // `attention_head_dim` is the number of heads in these models, whatever its name says; in blocks of self-attention alone it is
  // the width of one, and on the way up it is not reversed.
  const heads = each(raw.attention_head_dim ?? 8, "attention_head_dim");
  const headsOfWidth = (isOne: boolean, channels: number, i: number): number | null => {
    if (!isOne) return null;
    requireDivides(channels, heads[i]!, "attention_head_dim", file);
    return channels / heads[i]!;
  };
  const config: UNetConfig = {
    inChannels: raw.in_channels,
    outChannels: raw.out_channels,
    channels: raw.block_out_channels,
    layersPerBlock,
    downAttends,
    upAttends,
    downSelfAttention: raw.down_block_types.map((type, i) =>
      headsOfWidth(type === "AttnDownBlock2D", raw.block_out_channels[i]!, i),
    ),
    upSelfAttention: raw.up_block_types.map((type, i) =>
      headsOfWidth(type === "AttnUpBlock2D", raw.block_out_channels[count - 1 - i]!, i),
    ),
    middle,
    middleScale: raw.mid_block_scale_factor,
    heads,
    ...transformerLayers(raw, layersPerBlock, refuse),
    onlyCrossAttention: each(raw.only_cross_attention, "only_cross_attention"),
    crossAttentionDim: raw.encoder_hid_dim ?? attending[0] ?? textWidths[0]!,
    textProjection: raw.encoder_hid_dim ? (attending[0] ?? textWidths[0]!) : null,
    activation: raw.act_fn,
    groups: raw.norm_num_groups,
    epsilon: raw.norm_eps,
    linearProjection: raw.use_linear_projection,
    scaleShift: raw.resnet_time_scale_shift === "scale_shift",
    cosineFirst: raw.flip_sin_to_cos,
    frequencyShift: raw.freq_shift,
    timeEmbeddingWidth: raw.time_embedding_dim ?? 4 * raw.block_out_channels[0]!,
    timeActivation: raw.timestep_post_act ?? null,
    embeddingActivation: raw.time_embedding_act_fn ?? null,
    guidanceEmbeddingWidth: raw.time_cond_proj_dim ?? null,
    added: raw.addition_embed_type ? addedConditions(raw, refuse) : null,
    centerInput: raw.center_input_sample,
    inputKernel: raw.conv_in_kernel,
    outputKernel: raw.conv_out_kernel,
    padsAround: raw.downsample_padding === 1,
    sampleSize: sampleSizeOf(raw),
  };
  for (const channels of config.channels) requireDivides(channels, config.groups, "norm_num_groups", file);
  return config;
}

type Raw = z.infer<typeof unetJson>;
type Refuse = (fault: string) => never;

/** A depth for every transformer; one number stands for all layers of a block, one more of them on the way up. */
function transformerLayers(
  raw: Raw,
  layersPerBlock: readonly number[],
  refuse: Refuse,
): Pick<UNetConfig, "downTransformerLayers" | "upTransformerLayers" | "middleTransformerLayers"> {
  const count = layersPerBlock.length;
  const given = raw.transformer_layers_per_block;
  const down = Array.isArray(given) ? given : Array<number>(count).fill(given);
  const nested = down.some((depth) => Array.isArray(depth));
  const up = raw.reverse_transformer_layers_per_block ?? down.toReversed();
  if (down.length !== count || up.length !== count)
    return refuse(`"transformer_layers_per_block" has ${down.length} entries for ${count} levels`);
  if (nested && !raw.reverse_transformer_layers_per_block)
    return refuse('"transformer_layers_per_block" is by layer, and "reverse_transformer_layers_per_block" is missing');
  const spread = (depth: number | number[], layers: number): number[] => {
    const list = Array.isArray(depth) ? depth : Array<number>(layers).fill(depth);
    return list.length >= layers ? list : refuse(`"transformer_layers_per_block" lacks an entry for ${layers} layers`);
  };
  const middle = down.at(-1)!;
  return {
    downTransformerLayers: down.map((depth, level) => spread(depth, layersPerBlock[level]!)),
    upTransformerLayers: up.map((depth, i) => spread(depth, layersPerBlock[count - 1 - i]! + 1)),
    middleTransformerLayers: Array.isArray(middle) ? middle[0]! : middle,
  };
}

function addedConditions(raw: Raw, refuse: Refuse): NonNullable<UNetConfig["added"]> {
  const [width, timeIdWidth] = [raw.projection_class_embeddings_input_dim, raw.addition_time_embed_dim];
  if (!width || !timeIdWidth)
    return refuse(
      '"addition_embed_type" is "text_time", and "addition_time_embed_dim" or "projection_class_embeddings_input_dim" is missing',
    );
  const pooledWidth = width - TIME_IDS * timeIdWidth;
  if (pooledWidth <= 0) return refuse(`"projection_class_embeddings_input_dim" ${width} leaves no room for the text`);
  return { pooledWidth, timeIds: TIME_IDS, timeIdWidth };
}

/**
 * diffusers up to 0.8 wrote the `sample_size` 32 for models of 64. StableDiffusionPipeline.__init__ of 0.42.1 corrects what those
 * versions wrote, and so do we; that of SDXL, which came later, believes it.
 */
function sampleSizeOf(raw: Raw): UNetConfig["sampleSize"] {
  const { sample_size: given, _diffusers_version: version, addition_embed_type: added } = raw;
  if (given === undefined || given === null) return null;
  if (typeof given !== "number") return { height: given[0], width: given[1] };
  const [, major, minor] = /^(\d{1,4})\.(\d{1,4})/.exec(version ?? "") ?? [];
  const old = major === "0" && Number(minor) < 9;
  const side = old && !added && given < 64 ? 64 : given;
  return { height: side, width: side };
}
