import { z } from "zod";
import { levels, type MustBe, parseConfig, requireDivides, requireSettings, size } from "./config-json.ts";

/** What an `AutoencoderKL` computes. */
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
  /** Side of the pictures it was trained on, in pixels: what a tile of a larger one measures. */
  readonly sampleSize: number;
}

const vaeJson = z.looseObject({
  _class_name: z.literal("AutoencoderKL").nullish(),
  in_channels: z.literal(3).default(3),
  out_channels: z.literal(3).default(3),
  latent_channels: size.max(64).default(4),
  block_out_channels: levels,
  layers_per_block: size.max(16).default(1),
  norm_num_groups: size.default(32),
  mid_block_add_attention: z.boolean().default(true),
  scaling_factor: z.number().positive().default(0.18215),
  use_quant_conv: z.boolean().default(true),
  use_post_quant_conv: z.boolean().default(true),
  sample_size: z.union([size, z.array(size).min(1).max(2)]).nullish(),
});

const mustBe: MustBe = {
  act_fn: ["silu", "swish"],
  shift_factor: [null, 0],
  latents_mean: [null],
  latents_std: [null],
};

const DEFAULT_SAMPLE_SIZE = 32; // AutoencoderKL's own

/** @throws unsupported_model */
export function parseVaeConfig(json: unknown, file: string): VaeConfig {
  const raw = parseConfig(vaeJson, json, file);
  requireSettings(raw, mustBe, file);
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
    sampleSize: [raw.sample_size ?? DEFAULT_SAMPLE_SIZE].flat()[0]!,
  };
}

/** How many pixels a latent stands for, along one side. */
export const pixelsPerLatent = (vae: VaeConfig): number => 2 ** (vae.channels.length - 1);
