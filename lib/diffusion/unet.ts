import { activations } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { embeddingLayers, sinusoid } from "#lib/nn/embedding.ts";
import { linear } from "#lib/nn/linear.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { resnet } from "#lib/nn/resnet.ts";
import type { Scope } from "#lib/nn/scope.ts";
import { selfAttention } from "#lib/nn/self-attention.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { evenPadding } from "#lib/onnx/ops/conv.ts";
import { add, cast, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { concat, reshape, upsampleNearest } from "#lib/onnx/ops/shape.ts";
import type { ConditioningValues } from "./conditioning.ts";
import type { UNetConfig } from "./unet-config.ts";
import { spatialTransformer } from "./transformer.ts";

/** What the encoder hands to the decoder. `skips` are in the order they are made; the decoder takes them from the end. */
export interface Encoded {
  readonly skips: readonly Value[];
  readonly mid: Value;
  /** [B, timeEmbeddingWidth] */
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
 */
export function unetEncoder(
  scope: Scope,
  config: UNetConfig,
  latents: Value,
  timestep: Value,
  conditioning: ConditioningValues,
): Encoded {
  const timeEmbedding = embedTime(scope, config, timestep, conditioning, latents);
  const text = textFor(scope, config, conditioning);
  const layers = blockLayers(config, timeEmbedding, text);

  const input = config.centerInput ? add(multiply(latents, scalar(latents, 2)), scalar(latents, -1)) : latents;
  let h = convolution(scope.at("conv_in"), input, config.channels[0]!, config.inputKernel);
  const skips = [h];
  config.channels.forEach((channels, level) => {
    const block = scope.at(`down_blocks.${level}`);
    for (let j = 0; j < config.layersPerBlock[level]!; j++) {
      h = layers.resnet(block.at(`resnets.${j}`), h, channels);
      if (config.downAttends[level])
        h = layers.transformer(block.at(`attentions.${j}`), h, level, config.downTransformerLayers[level]![j]!);
      h = layers.selfAttention(block.at(`attentions.${j}`), h, config.downSelfAttention[level]!);
      skips.push(h);
    }
    if (level < config.channels.length - 1) {
      const padding = config.padsAround ? evenPadding(1) : { top: 0, left: 0, bottom: 1, right: 1 };
      h = convolution(block.at("downsamplers.0.conv"), h, channels, 3, { stride: 2, padding });
      skips.push(h);
    }
  });
  return { skips, mid: middle(scope.at("mid_block"), config, timeEmbedding, text, h), timeEmbedding };
}

/**
 * The way up. Residuals join the skips and the middle here, after both were computed: the contract of ControlNet (Zhang et
 * al. 2023, arXiv 2302.05543) as diffusers applies it. Without residuals it is the base's own prediction.
 *
 * @returns [B, out, H, W]: ε̂ or v̂, whichever the base was trained to predict
 */
export function unetDecoder(
  scope: Scope,
  config: UNetConfig,
  encoded: Encoded,
  residuals: Residuals | null,
  conditioning: ConditioningValues,
): Value {
  const layers = blockLayers(config, encoded.timeEmbedding, textFor(scope, config, conditioning));
  const skips = encoded.skips.map((skip, k) => (residuals ? add(skip, residuals.skips[k]!) : skip));
  let h = residuals ? add(encoded.mid, residuals.mid) : encoded.mid;

  const count = config.channels.length;
  for (let i = 0; i < count; i++) {
    const [block, level] = [scope.at(`up_blocks.${i}`), count - 1 - i];
    for (let j = 0; j <= config.layersPerBlock[level]!; j++) {
      h = layers.resnet(block.at(`resnets.${j}`), concat([h, skips.pop()!], 1), config.channels[level]!);
      if (config.upAttends[i])
        h = layers.transformer(block.at(`attentions.${j}`), h, level, config.upTransformerLayers[i]![j]!);
      h = layers.selfAttention(block.at(`attentions.${j}`), h, config.upSelfAttention[i]!);
    }
    if (level > 0) {
      const [, , height, width] = skips.at(-1)!.shape as [unknown, unknown, number, number]; // odd sizes do not double
      h = convolution(block.at("upsamplers.0.conv"), upsampleNearest(h, height, width), config.channels[level]!, 3);
    }
  }
  h = activations[config.activation](groupNorm(scope.at("conv_norm_out"), h, config.groups, config.epsilon));
  return convolution(scope.at("conv_out"), h, config.outChannels, config.outputKernel);
}

/** [C, H, W] of every skip, in order, and of the middle, for latents of height × width. */
export function residualShapes(
  config: Pick<UNetConfig, "channels" | "layersPerBlock" | "padsAround">,
  height: number,
  width: number,
): { skips: number[][]; mid: number[] } {
  const skips = [[config.channels[0]!, height, width]];
  const last = config.channels.length - 1;
  config.channels.forEach((channels, level) => {
    for (let j = 0; j < config.layersPerBlock[level]!; j++) skips.push([channels, height, width]);
    if (level === last) return;
    const halve = config.padsAround ? Math.ceil : Math.floor;
    [height, width] = [halve(height / 2), halve(width / 2)];
    skips.push([channels, height, width]);
  });
  return { skips, mid: [config.channels[last]!, height, width] };
}

/**
 * Timestep, the guidance of latent consistency models (Luo et al. 2023, arXiv 2310.04378, §4.2) and SDXL's pooled text and sizes
 * (Podell et al. 2023, arXiv 2307.01952, §2.2) in one embedding. Sinusoids are computed in float32 whatever the network's type.
 */
function embedTime(
  scope: Scope,
  config: UNetConfig,
  timestep: Value,
  { pooledText, timeIds, guidanceEmbedding }: ConditioningValues,
  latents: Value,
): Value {
  const options = { cosineFirst: config.cosineFirst, shift: config.frequencyShift };
  const { type } = latents;
  const [place, width] = [scope.at("time_embedding"), config.timeEmbeddingWidth];
  let wave = cast(sinusoid(timestep, config.channels[0]!, options), type);
  if (config.guidanceEmbeddingWidth !== null) {
    wave = add(wave, linear(place.at("cond_proj"), guidanceEmbedding!, config.channels[0]!, { bias: false }));
  }
  const plain = embeddingLayers(place, wave, width, config.activation);
  const time = config.timeActivation ? activations[config.timeActivation](plain) : plain;
  const finish = (embedding: Value): Value =>
    config.embeddingActivation ? activations[config.embeddingActivation](embedding) : embedding;
  const { added } = config;
  if (!added) return finish(time);
  const waves = cast(sinusoid(timeIds!, added.timeIdWidth, options), type);
  const sizes = reshape(waves, [waves.shape[0]!, added.timeIds * added.timeIdWidth]);
  return finish(add(time, embeddingLayers(scope.at("add_embedding"), concat([pooledText!, sizes], 1), width)));
}

/** [B, T, D] as cross-attention reads it. */
const textFor = (scope: Scope, { textProjection }: UNetConfig, { text }: ConditioningValues): Value =>
  textProjection === null ? text : linear(scope.at("encoder_hid_proj"), text, textProjection);

function middle(scope: Scope, config: UNetConfig, embedding: Value, text: Value, x: Value): Value {
  if (config.middle === "none") return x;
  const layers = blockLayers(config, embedding, text, config.middleScale);
  const [level, channels] = [config.channels.length - 1, config.channels.at(-1)!];
  const h = layers.resnet(scope.at("resnets.0"), x, channels);
  if (config.middle === "resnet") return h;
  // The middle attends to itself even where the last level attends to the text alone.
  const attended = layers.transformer(scope.at("attentions.0"), h, level, config.middleTransformerLayers, false);
  return layers.resnet(scope.at("resnets.1"), attended, channels);
}

function blockLayers(config: UNetConfig, embedding: Value, text: Value, outputScale = 1) {
  const { groups, epsilon, scaleShift, linearProjection, activation } = config;
  return {
    resnet: (scope: Scope, x: Value, out: number): Value =>
      resnet(scope, x, { out, groups, epsilon, embedding, scaleShift, outputScale, activation }),
    selfAttention: (scope: Scope, x: Value, heads: number | null): Value =>
      heads === null ? x : selfAttention(scope, x, { heads, groups, epsilon }),
    transformer: (
      scope: Scope,
      x: Value,
      level: number,
      layers: number,
      onlyText = config.onlyCrossAttention[level]!,
    ): Value =>
      spatialTransformer(scope, x, text, { heads: config.heads[level]!, layers, groups, linearProjection, onlyText }),
  };
}
