import type { ConfigJson } from "../family.ts";

const common: ConfigJson = {
  _class_name: "UNet2DConditionModel",
  act_fn: "silu",
  center_input_sample: false,
  downsample_padding: 1,
  flip_sin_to_cos: true,
  freq_shift: 0,
  in_channels: 4,
  layers_per_block: 2,
  mid_block_scale_factor: 1,
  norm_eps: 1e-5,
  norm_num_groups: 32,
  out_channels: 4,
};

const fourLevels: ConfigJson = {
  ...common,
  block_out_channels: [320, 640, 1280, 1280],
  down_block_types: ["CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D", "DownBlock2D"],
  up_block_types: ["UpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "CrossAttnUpBlock2D"],
};

/** stable-diffusion-v1-5/unet/config.json. `attention_head_dim` is the number of heads here, whatever its name says. */
export const sd1UNet: ConfigJson = { ...fourLevels, attention_head_dim: 8, cross_attention_dim: 768, sample_size: 64 };

/** stable-diffusion-2-1-base/unet/config.json */
export const sd2BaseUNet: ConfigJson = {
  ...fourLevels,
  attention_head_dim: [5, 10, 20, 20],
  cross_attention_dim: 1024,
  sample_size: 64,
  use_linear_projection: true,
};

/** stable-diffusion-2-1/unet/config.json: attention in float32, else it overflows in half precision. */
export const sd2VUNet: ConfigJson = { ...sd2BaseUNet, sample_size: 96, upcast_attention: true };

/** stable-diffusion-xl-base-1.0/unet/config.json */
export const sdxlUNet: ConfigJson = {
  ...common,
  addition_embed_type: "text_time",
  addition_time_embed_dim: 256,
  attention_head_dim: [5, 10, 20],
  block_out_channels: [320, 640, 1280],
  cross_attention_dim: 2048,
  down_block_types: ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
  projection_class_embeddings_input_dim: 2816,
  sample_size: 128,
  transformer_layers_per_block: [1, 2, 10],
  up_block_types: ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
  use_linear_projection: true,
};
