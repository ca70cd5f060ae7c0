import { parseUNetConfig, type UNetConfig } from "#lib/diffusion/unet-config.ts";

/** The UNet of Stable Diffusion 1.5, as its config.json has it. */
export const sd15UNetJson = {
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  attention_head_dim: 8,
  block_out_channels: [320, 640, 1280, 1280],
  center_input_sample: false,
  cross_attention_dim: 768,
  down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
  sample_size: 64,
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
};

export const sd15UNet: UNetConfig = parseUNetConfig(sd15UNetJson, "the UNet of Stable Diffusion 1.5");

/** A guide of 0.901% for it: the metadata that `parseGuideConfig` reads. */
export const sd15GuideMetadata: ReadonlyMap<string, string> = new Map(
  Object.entries({
    format: "guide/1",
    variant: "tiny",
    widths: "[48, 96, 192, 192]",
    "base.sha256": "0".repeat(64),
    block_out_channels: "[320, 640, 1280, 1280]",
    layers_per_block: "2",
    down_block_types: '["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"]',
    cross_attention_dim: "768",
    in_channels: "4",
    prediction_type: "epsilon",
    w_min: "1.0",
    w_max: "8.0",
    w_ref: "5.0",
    gate: "linear",
    w_encoding: "sin",
    stage: "cfg",
  }),
);
