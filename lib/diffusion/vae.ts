import { silu } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { resnet } from "#lib/nn/resnet.ts";
import type { Scope } from "#lib/nn/scope.ts";
import { selfAttention } from "#lib/nn/self-attention.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { upsampleNearest } from "#lib/onnx/ops/shape.ts";
import type { VaeConfig } from "./vae-config.ts";

const EPSILON = 1e-6; // fixed in diffusers' encoder and decoder

/** The autoencoder of Rombach et al. 2022 (arXiv 2112.10752, §3.1). Picture [B, 3, H, W] in [−1, 1] → moments of the latents [B, 2·C, h, w]: their mean, not scaled, then the logarithm of their variance. */
export function vaeEncoder(scope: Scope, config: VaeConfig, picture: Value): Value {
  const encoder = scope.at("encoder");
  const last = config.channels.length - 1;
  let h = convolution(encoder.at("conv_in"), picture, config.channels[0]!, 3);
  config.channels.forEach((channels, level) => {
    const block = encoder.at(`down_blocks.${level}`);
    for (let j = 0; j < config.layersPerBlock; j++) h = plainResnet(block.at(`resnets.${j}`), config, h, channels);
    // Padded below and to the right only, unlike the UNet's own downsampling.
    if (level < last)
      h = convolution(block.at("downsamplers.0.conv"), h, channels, 3, {
        stride: 2,
        padding: { top: 0, left: 0, bottom: 1, right: 1 },
      });
  });
  h = middle(encoder.at("mid_block"), config, h);
  h = silu(groupNorm(encoder.at("conv_norm_out"), h, config.groups, EPSILON));
  h = convolution(encoder.at("conv_out"), h, 2 * config.latentChannels, 3);
  return config.quantConv ? convolution(scope.at("quant_conv"), h, 2 * config.latentChannels, 1) : h;
}

/** Latents [B, C, h, w], divided by the scaling factor → picture [B, 3, H, W], around [−1, 1], not clamped. */
export function vaeDecoder(scope: Scope, config: VaeConfig, latents: Value): Value {
  const decoder = scope.at("decoder");
  const channels = config.channels.toReversed();
  let h = config.postQuantConv ? convolution(scope.at("post_quant_conv"), latents, config.latentChannels, 1) : latents;
  h = convolution(decoder.at("conv_in"), h, channels[0]!, 3);
  h = middle(decoder.at("mid_block"), config, h);
  channels.forEach((out, i) => {
    const block = decoder.at(`up_blocks.${i}`);
    for (let j = 0; j <= config.layersPerBlock; j++) h = plainResnet(block.at(`resnets.${j}`), config, h, out);
    if (i < channels.length - 1) h = convolution(block.at("upsamplers.0.conv"), upsampleNearest(h), out, 3);
  });
  h = silu(groupNorm(decoder.at("conv_norm_out"), h, config.groups, EPSILON));
  return convolution(decoder.at("conv_out"), h, config.imageChannels, 3);
}

const plainResnet = (scope: Scope, config: VaeConfig, x: Value, out: number): Value =>
  resnet(scope, x, { out, groups: config.groups, epsilon: EPSILON, embedding: null });

function middle(scope: Scope, config: VaeConfig, x: Value): Value {
  const channels = Number(x.shape[1]);
  let h = plainResnet(scope.at("resnets.0"), config, x, channels);
  if (config.middleAttends)
    h = selfAttention(scope.at("attentions.0"), h, { heads: 1, groups: config.groups, epsilon: EPSILON });
  return plainResnet(scope.at("resnets.1"), config, h, channels);
}
