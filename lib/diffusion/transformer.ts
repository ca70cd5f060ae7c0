import { gelu } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { linear } from "#lib/nn/linear.ts";
import { groupNorm, layerNorm } from "#lib/nn/norm.ts";
import { toPixels, toSequence } from "#lib/nn/pixels.ts";
import type { Scope } from "#lib/nn/scope.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { add, multiply } from "#lib/onnx/ops/math.ts";
import { split } from "#lib/onnx/ops/shape.ts";

export interface TransformerOptions {
  readonly heads: number;
  readonly layers: number;
  readonly groups: number;
  /** SD 2.x and SDXL project with linear layers (`use_linear_projection`), SD 1.x with 1×1 convolutions. */
  readonly linearProjection: boolean;
  /** Whether pixels attend to the text twice, and not to themselves (`only_cross_attention`). */
  readonly onlyText: boolean;
}

/**
 * The spatial transformer of Stable Diffusion (Rombach et al. 2022, arXiv 2112.10752, §3.3): pixels attend to themselves and to
 * the text. [B, C, H, W] and [B, T, D] → [B, C, H, W].
 */
export function spatialTransformer(scope: Scope, x: Value, text: Value, options: TransformerOptions): Value {
  const { heads, layers, groups, linearProjection } = options;
  const channels = Number(x.shape[1]);
  const inner = heads * Math.floor(channels / heads); // narrower where the heads do not divide the channels
  const normal = groupNorm(scope.at("norm"), x, groups, 1e-6); // diffusers' Transformer2DModel fixes this epsilon
  let h = linearProjection
    ? linear(scope.at("proj_in"), toSequence(normal), inner)
    : toSequence(convolution(scope.at("proj_in"), normal, inner, 1));
  for (let i = 0; i < layers; i++)
    h = x.graph.asBlock(() => block(scope.at(`transformer_blocks.${i}`), h, text, options));
  const out = linearProjection
    ? toPixels(linear(scope.at("proj_out"), h, channels), x)
    : convolution(scope.at("proj_out"), toPixels(h, x), channels, 1);
  return add(out, x);
}

function block(scope: Scope, x: Value, text: Value, { heads, onlyText }: TransformerOptions): Value {
  const normal = (name: string): Value => layerNorm(scope.at(name), x, 1e-5);
  const first = normal("norm1");
  x = add(x, attend(scope.at("attn1"), first, onlyText ? text : first, heads));
  x = add(x, attend(scope.at("attn2"), normal("norm2"), text, heads));
  return add(x, feedForward(scope.at("ff.net"), normal("norm3")));
}

function attend(scope: Scope, x: Value, context: Value, heads: number): Value {
  const channels = Number(x.shape[2]);
  const project = (name: string, from: Value): Value => linear(scope.at(name), from, channels, { bias: false });
  return linear(
    scope.at("to_out.0"),
    attention(project("to_q", x), project("to_k", context), project("to_v", context), heads),
    channels,
  );
}

/** GEGLU (Shazeer 2020, arXiv 2002.05202), four times as wide: the first half of the projection, gated by the gelu of the second. */
function feedForward(scope: Scope, x: Value): Value {
  const channels = Number(x.shape[2]);
  const projected = linear(scope.at("0.proj"), x, 8 * channels);
  const [value, gate] = split(projected, 2, [4 * channels, 4 * channels]) as [Value, Value];
  return linear(scope.at("2"), multiply(value, gelu(gate)), channels);
}
