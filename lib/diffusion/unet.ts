import { silu } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { embeddingLayers, sinusoid } from "#lib/nn/embedding.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { resnet } from "#lib/nn/resnet.ts";
import type { Scope } from "#lib/nn/scope.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { add } from "#lib/onnx/ops/math.ts";
import { concat, upsampleNearest } from "#lib/onnx/ops/shape.ts";
import type { UNetConfig } from "./config.ts";
import { spatialTransformer } from "./transformer.ts";

/** What the encoder hands to the decoder. `skips` are in the order they are made; the decoder takes them from the end. */
export interface Encoded {
  readonly skips: readonly Value[];
  readonly mid: Value;
  /** [B, 4·C₀] */
  readonly timeEmbedding: Value;
}

/** What a guide adds: one residual for each skip, and one for the middle block's output. */
export interface Residuals {
  readonly skips: readonly Value[];
  readonly mid: Value;
}

/**
 * The way down and the middle of `UNet2DConditionModel`.
 *
 * @param latents  [B, in, H, W], as the sampler feeds them
 * @param timestep [B] float; fractions are allowed
 * @param text     [B, T, D]
 */
export function unetEncoder(scope: Scope, config: UNetConfig, latents: Value, timestep: Value, text: Value): Encoded {
  const first = config.channels[0]!;
  const wave = sinusoid(timestep, first, { cosineFirst: config.cosineFirst, shift: config.frequencyShift });
  const timeEmbedding = embeddingLayers(scope.at("time_embedding"), wave, 4 * first);
  const layers = blockLayers(config, timeEmbedding, text);

  let h = convolution(scope.at("conv_in"), latents, first, 3);
  const skips = [h];
  config.channels.forEach((channels, level) => {
    const block = scope.at(`down_blocks.${level}`);
    for (let j = 0; j < config.layersPerBlock[level]!; j++) {
      h = layers.resnet(block.at(`resnets.${j}`), h, channels);
      if (config.downAttends[level]) h = layers.transformer(block.at(`attentions.${j}`), h, level);
      skips.push(h);
    }
    if (level < config.channels.length - 1) {
      h = convolution(block.at("downsamplers.0.conv"), h, channels, 3, { stride: 2 });
      skips.push(h);
    }
  });

  const [middle, last] = [scope.at("mid_block"), config.channels.length - 1];
  h = layers.resnet(middle.at("resnets.0"), h, config.channels[last]!);
  h = layers.transformer(middle.at("attentions.0"), h, last);
  const mid = layers.resnet(middle.at("resnets.1"), h, config.channels[last]!);
  return { skips, mid, timeEmbedding };
}

/**
 * The way up. Residuals join the skips and the middle here, after both were computed: the contract of ControlNet (Zhang et
 * al. 2023, arXiv 2302.05543) as diffusers applies it. Zeros leave the base's own prediction, bit for bit.
 *
 * @returns [B, out, H, W]: ε̂ or v̂, whichever the base was trained to predict
 */
export function unetDecoder(
  scope: Scope,
  config: UNetConfig,
  encoded: Encoded,
  residuals: Residuals,
  text: Value,
): Value {
  const layers = blockLayers(config, encoded.timeEmbedding, text);
  const skips = encoded.skips.map((skip, k) => add(skip, residuals.skips[k]!));
  let h = add(encoded.mid, residuals.mid);

  const count = config.channels.length;
  for (let i = 0; i < count; i++) {
    const [block, level] = [scope.at(`up_blocks.${i}`), count - 1 - i];
    for (let j = 0; j <= config.layersPerBlock[level]!; j++) {
      h = layers.resnet(block.at(`resnets.${j}`), concat([h, skips.pop()!], 1), config.channels[level]!);
      if (config.upAttends[i]) h = layers.transformer(block.at(`attentions.${j}`), h, level);
    }
    if (level > 0) h = convolution(block.at("upsamplers.0.conv"), upsampleNearest(h), config.channels[level]!, 3);
  }
  h = silu(groupNorm(scope.at("conv_norm_out"), h, config.groups, config.epsilon));
  return convolution(scope.at("conv_out"), h, config.outChannels, 3);
}

/** [C, H, W] of every skip, in order, and of the middle, for latents of height × width. */
export function residualShapes(
  config: UNetConfig,
  height: number,
  width: number,
): { skips: number[][]; mid: number[] } {
  const skips = [[config.channels[0]!, height, width]];
  const last = config.channels.length - 1;
  config.channels.forEach((channels, level) => {
    for (let j = 0; j < config.layersPerBlock[level]!; j++) skips.push([channels, height, width]);
    if (level === last) return;
    [height, width] = [Math.ceil(height / 2), Math.ceil(width / 2)];
    skips.push([channels, height, width]);
  });
  return { skips, mid: [config.channels[last]!, height, width] };
}

function blockLayers(config: UNetConfig, embedding: Value, text: Value) {
  return {
    resnet: (scope: Scope, x: Value, out: number): Value =>
      resnet(scope, x, { out, groups: () => config.groups, epsilon: config.epsilon, embedding }),
    transformer: (scope: Scope, x: Value, level: number): Value =>
      spatialTransformer(scope, x, text, {
        heads: config.heads[level]!,
        layers: config.transformerLayers[level]!,
        groups: config.groups,
        linearProjection: config.linearProjection,
      }),
  };
}
