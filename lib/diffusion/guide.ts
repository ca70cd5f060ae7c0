import { convolution } from "#lib/nn/convolution.ts";
import { embeddingLayers, sinusoid } from "#lib/nn/embedding.ts";
import { linear } from "#lib/nn/linear.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { toPixels, toSequence } from "#lib/nn/pixels.ts";
import { resnet } from "#lib/nn/resnet.ts";
import type { Scope } from "#lib/nn/scope.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { add, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import type { GuideConfig } from "./guide-config.ts";
import type { Residuals } from "./unet.ts";

const EPSILON = 1e-5;

/**
 * The guide: a narrow mirror of the base's encoder (after Hsiao et al. 2024, arXiv 2406.01954) whose every stage ends in a
 * 1×1 convolution to the base's width. All residuals are multiplied by the gate (w − 1) / (w_ref − 1), so guidance 1 adds
 * nothing.
 *
 * @param latents       [B, in, H, W], exactly as the base gets them
 * @param timestep      [B]
 * @param text          [B, T, D], exactly as the base's cross-attention gets it
 * @param guidanceScale [B], w in [w_min, w_max]
 * @returns residuals in the order of the base's skips
 */
export function guideNetwork(
  scope: Scope,
  config: GuideConfig,
  latents: Value,
  timestep: Value,
  text: Value,
  guidanceScale: Value,
): Residuals {
  const { widths, base } = config;
  const [first, last] = [widths[0]!, widths.length - 1];
  const embed = (name: string, value: Value): Value =>
    embeddingLayers(scope.at(name), sinusoid(value, Math.max(32, first)), Math.max(32, 4 * first));
  const excess = add(guidanceScale, scalar(guidanceScale, -1));
  const guidance = multiply(excess, scalar(excess, 1000 / (config.maxGuidance - 1))); // spread over the timesteps' own range
  const embedding = add(embed("time_embedding", timestep), embed("guidance_embedding", guidance));
  const block = (at: Scope, x: Value, out: number): Value =>
    resnet(at, x, { out, groups: groupsOf, epsilon: EPSILON, embedding });

  let h = convolution(scope.at("conv_in"), latents, first, 3);
  const stages = [{ h, out: base.channels[0]! }];
  widths.forEach((width, level) => {
    const down = scope.at(`down_blocks.${level}`);
    const layers = base.layersPerBlock[level]!;
    for (let j = 0; j < layers; j++) {
      h = block(down.at(`resnets.${j}`), h, width);
      if (j === layers - 1 && base.downAttends[level]) h = crossAttention(down.at("attentions.0"), h, text);
      stages.push({ h, out: base.channels[level]! });
    }
    if (level < last) {
      h = convolution(down.at("downsamplers.0"), h, width, 3, { stride: 2 });
      stages.push({ h, out: base.channels[level]! });
    }
  });
  const mid = scope.at("mid_block");
  h = block(mid.at("resnets.0"), h, widths[last]!);
  h = crossAttention(mid.at("attentions.0"), h, text);
  h = block(mid.at("resnets.1"), h, widths[last]!);

  const gate = reshape(multiply(excess, scalar(excess, 1 / (config.referenceGuidance - 1))), [
    excess.shape[0]!,
    1,
    1,
    1,
  ]);
  return {
    skips: stages.map((stage, k) => multiply(gate, convolution(scope.at(`zero_convs.${k}`), stage.h, stage.out, 1))),
    mid: multiply(gate, convolution(scope.at("mid_zero_conv"), h, base.channels[last]!, 1)),
  };
}

/** The largest divisor of the channels that is ≤ min(8, channels / 4): at least four channels a group. */
function groupsOf(channels: number): number {
  for (let groups = Math.max(1, Math.min(8, Math.floor(channels / 4))); groups > 1; groups--)
    if (channels % groups === 0) return groups;
  return 1;
}

/** One head: queries from the normalised picture, keys and values from the text as it is; added to the input. */
function crossAttention(scope: Scope, x: Value, text: Value): Value {
  const channels = Number(x.shape[1]);
  const query = linear(
    scope.at("to_q"),
    toSequence(groupNorm(scope.at("norm"), x, groupsOf(channels), EPSILON)),
    channels,
    { bias: false },
  );
  const project = (name: string): Value => linear(scope.at(name), text, channels, { bias: false });
  return add(
    x,
    toPixels(linear(scope.at("to_out"), attention(query, project("to_k"), project("to_v"), 1), channels), x),
  );
}
