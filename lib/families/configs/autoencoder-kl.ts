import type { ConfigJson } from "../family.ts";

/** The autoencoder of SD 1.x, 2.x and XL: one structure, trained twice. `scaling_factor` belongs to the training. */
export const autoencoderKl = (sampleSize: number, scalingFactor: number): ConfigJson => ({
  _class_name: "AutoencoderKL",
  act_fn: "silu",
  block_out_channels: [128, 256, 512, 512],
  down_block_types: Array<string>(4).fill("DownEncoderBlock2D"),
  in_channels: 3,
  latent_channels: 4,
  layers_per_block: 2,
  norm_num_groups: 32,
  out_channels: 3,
  sample_size: sampleSize,
  scaling_factor: scalingFactor,
  up_block_types: Array<string>(4).fill("UpDecoderBlock2D"),
});
