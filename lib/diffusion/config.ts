import { z } from "zod";
import { AppError } from "#lib/errors.ts";

/**
 * The parts of diffusers' and transformers' `config.json` that decide what a network computes. Each is parsed once, here,
 * into our names. A setting that would change the result and that we do not run is refused by its name, never ignored.
 */
export interface UNetConfig {
  readonly inChannels: number;
  readonly outChannels: number;
  /** Channels of each level, finest first. */
  readonly channels: readonly number[];
  readonly layersPerBlock: readonly number[];
  readonly downAttends: readonly boolean[];
  readonly upAttends: readonly boolean[];
  readonly heads: readonly number[];
  readonly transformerLayers: readonly number[];
  readonly crossAttentionDim: number;
  readonly groups: number;
  readonly epsilon: number;
  readonly linearProjection: boolean;
  readonly cosineFirst: boolean;
  readonly frequencyShift: number;
  /** Height and width of the latents the base was trained on. */
  readonly sampleSize: number;
}

export interface TextEncoderConfig {
  readonly width: number;
  readonly hidden: number;
  readonly layers: number;
  readonly heads: number;
  readonly vocabulary: number;
  readonly maxTokens: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
}

export interface VaeConfig {
  readonly imageChannels: number;
  readonly latentChannels: number;
  readonly channels: readonly number[];
  readonly layersPerBlock: number;
  readonly groups: number;
  readonly middleAttends: boolean;
  /** Latents are the encoder's mean × this. */
  readonly scalingFactor: number;
  readonly quantConv: boolean;
  readonly postQuantConv: boolean;
}

const size = z.int().min(1).max(65_536);
const perLevel = z.union([size, z.array(size).min(1).max(8)]);
const levels = z.array(size).min(1).max(8);

const unetJson = z.looseObject({
  _class_name: z.literal("UNet2DConditionModel"),
  in_channels: size,
  out_channels: size,
  block_out_channels: levels,
  layers_per_block: perLevel.default(2),
  down_block_types: z.array(z.enum(["DownBlock2D", "CrossAttnDownBlock2D"])),
  up_block_types: z.array(z.enum(["UpBlock2D", "CrossAttnUpBlock2D"])),
  attention_head_dim: perLevel.default(8),
  transformer_layers_per_block: perLevel.default(1),
  cross_attention_dim: size,
  norm_num_groups: size.default(32),
  norm_eps: z.number().positive().default(1e-5),
  use_linear_projection: z.boolean().default(false),
  flip_sin_to_cos: z.boolean().default(true),
  freq_shift: z.number().default(0),
  sample_size: size.default(64),
});

/** What a setting must be for us to run it, with the value that stands for «not used» first. */
const unetMustBe: Record<string, readonly unknown[]> = {
  mid_block_type: ["UNetMidBlock2DCrossAttn"],
  act_fn: ["silu", "swish"],
  time_embedding_type: ["positional"],
  resnet_time_scale_shift: ["default"],
  attention_type: ["default"],
  conv_in_kernel: [3],
  conv_out_kernel: [3],
  downsample_padding: [1],
  mid_block_scale_factor: [1],
  resnet_out_scale_factor: [1],
  num_attention_heads: [null],
  addition_embed_type: [null],
  class_embed_type: [null],
  num_class_embeds: [null],
  encoder_hid_dim: [null],
  encoder_hid_dim_type: [null],
  time_cond_proj_dim: [null],
  timestep_post_act: [null],
  time_embedding_dim: [null],
  time_embedding_act_fn: [null],
  cross_attention_norm: [null],
  reverse_transformer_layers_per_block: [null],
  only_cross_attention: [false],
  mid_block_only_cross_attention: [null, false],
  dual_cross_attention: [false],
  center_input_sample: [false],
  class_embeddings_concat: [false],
  resnet_skip_time_act: [false],
};

export function parseUNetConfig(json: unknown, file: string): UNetConfig {
  const raw = parse(unetJson, json, file);
  requireSettings(raw, unetMustBe, file);
  const count = raw.block_out_channels.length;
  const each = (value: number | number[], name: string): number[] => {
    const list = Array.isArray(value) ? value : Array<number>(count).fill(value);
    if (list.length !== count)
      throw new AppError(
        "unsupported_model",
        `${file}: "${name}" has ${list.length} entries for ${count} levels; use the config that came with the weights.`,
      );
    return list;
  };
  if (raw.down_block_types.length !== count || raw.up_block_types.length !== count) {
    throw new AppError(
      "unsupported_model",
      `${file}: the block types do not match the ${count} levels of "block_out_channels"; use the config that came with the weights.`,
    );
  }
  const config: UNetConfig = {
    inChannels: raw.in_channels,
    outChannels: raw.out_channels,
    channels: raw.block_out_channels,
    layersPerBlock: each(raw.layers_per_block, "layers_per_block"),
    downAttends: raw.down_block_types.map((type) => type === "CrossAttnDownBlock2D"),
    upAttends: raw.up_block_types.map((type) => type === "CrossAttnUpBlock2D"),
    heads: each(raw.attention_head_dim, "attention_head_dim"), // in these configs it is the number of heads, whatever its name says
    transformerLayers: each(raw.transformer_layers_per_block, "transformer_layers_per_block"),
    crossAttentionDim: raw.cross_attention_dim,
    groups: raw.norm_num_groups,
    epsilon: raw.norm_eps,
    linearProjection: raw.use_linear_projection,
    cosineFirst: raw.flip_sin_to_cos,
    frequencyShift: raw.freq_shift,
    sampleSize: raw.sample_size,
  };
  config.channels.forEach((channels, i) => {
    requireDivides(channels, config.groups, "norm_num_groups", file);
    requireDivides(channels, config.heads[i]!, "attention_head_dim", file);
  });
  return config;
}

const textEncoderJson = z.looseObject({
  hidden_size: size,
  intermediate_size: size,
  num_hidden_layers: size.max(64),
  num_attention_heads: size,
  vocab_size: z.int().min(2).max(1_000_000),
  max_position_embeddings: size.max(4096),
  hidden_act: z.enum(["quick_gelu", "gelu"]).default("quick_gelu"),
  layer_norm_eps: z.number().positive().default(1e-5),
});

export function parseTextEncoderConfig(json: unknown, file: string): TextEncoderConfig {
  const raw = parse(textEncoderJson, json, file);
  requireDivides(raw.hidden_size, raw.num_attention_heads, "num_attention_heads", file);
  return {
    width: raw.hidden_size,
    hidden: raw.intermediate_size,
    layers: raw.num_hidden_layers,
    heads: raw.num_attention_heads,
    vocabulary: raw.vocab_size,
    maxTokens: raw.max_position_embeddings,
    activation: raw.hidden_act,
    epsilon: raw.layer_norm_eps,
  };
}

const vaeJson = z.looseObject({
  _class_name: z.literal("AutoencoderKL"),
  in_channels: z.literal(3),
  out_channels: z.literal(3),
  latent_channels: size.max(64),
  block_out_channels: levels,
  layers_per_block: size.max(16).default(1),
  norm_num_groups: size.default(32),
  mid_block_add_attention: z.boolean().default(true),
  scaling_factor: z.number().positive().default(0.18215),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
});

const vaeMustBe: Record<string, readonly unknown[]> = {
  act_fn: ["silu"],
  shift_factor: [null],
  latents_mean: [null],
  latents_std: [null],
};

export function parseVaeConfig(json: unknown, file: string): VaeConfig {
  const raw = parse(vaeJson, json, file);
  requireSettings(raw, vaeMustBe, file);
  for (const channels of raw.block_out_channels) requireDivides(channels, raw.norm_num_groups, "norm_num_groups", file);
  return {
    imageChannels: raw.in_channels,
    latentChannels: raw.latent_channels,
    channels: raw.block_out_channels,
    layersPerBlock: raw.layers_per_block,
    groups: raw.norm_num_groups,
    middleAttends: raw.mid_block_add_attention,
    scalingFactor: raw.scaling_factor,
    quantConv: raw.use_quant_conv,
    postQuantConv: raw.use_post_quant_conv,
  };
}

/** How many pixels a latent stands for, along one side. */
export const pixelsPerLatent = (vae: VaeConfig): number => 2 ** (vae.channels.length - 1);

function parse<T>(schema: z.ZodType<T>, json: unknown, file: string): T {
  const result = schema.safeParse(json);
  if (result.success) return result.data;
  const [issue] = result.error.issues as [z.core.$ZodIssue];
  const at = issue.path.length ? `"${issue.path.join(".")}"` : "the whole";
  throw new AppError(
    "unsupported_model",
    `${file}: ${at} is not what we can run (${issue.message}); Stable Diffusion 1.x and 2.x folders work.`,
    { issues: result.error.issues.slice(0, 5) },
  );
}

function requireSettings(raw: Record<string, unknown>, mustBe: Record<string, readonly unknown[]>, file: string): void {
  for (const [name, allowed] of Object.entries(mustBe)) {
    const value = raw[name];
    if (value === undefined || allowed.includes(value)) continue;
    throw new AppError(
      "unsupported_model",
      `${file}: "${name}" is ${JSON.stringify(value)}, which we do not run; Stable Diffusion 1.x and 2.x folders work.`,
      { name, value },
    );
  }
}

function requireDivides(channels: number, divisor: number, name: string, file: string): void {
  if (channels % divisor)
    throw new AppError(
      "unsupported_model",
      `${file}: "${name}" ${divisor} does not divide ${channels} channels; use the config that came with the weights.`,
    );
}
