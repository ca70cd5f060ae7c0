import type { Value } from "#lib/onnx/graph.ts";
import { add } from "#lib/onnx/ops/math.ts";
import { reshape } from "#lib/onnx/ops/shape.ts";
import { silu } from "./activation.ts";
import { convolution } from "./convolution.ts";
import { linear } from "./linear.ts";
import { groupNorm } from "./norm.ts";
import type { Scope } from "./scope.ts";

export interface ResnetOptions {
  readonly out: number;
  /** Groups of the two norms, given how many channels each normalises. */
  readonly groups: (channels: number) => number;
  readonly epsilon: number;
  /** [B, E], or none (in a VAE). */
  readonly embedding: Value | null;
}

/**
 * shortcut(x) + conv(SiLU(norm(conv(SiLU(norm(x))) + Linear(SiLU(embedding))))): [B, C, H, W] → [B, out, H, W].
 * The shortcut is a 1×1 convolution where the channels differ, else x itself.
 */
export function resnet(scope: Scope, x: Value, { out, groups, epsilon, embedding }: ResnetOptions): Value {
  const channels = Number(x.shape[1]);
  let h = convolution(scope.at("conv1"), silu(groupNorm(scope.at("norm1"), x, groups(channels), epsilon)), out, 3);
  if (embedding) h = add(h, reshape(linear(scope.at("time_emb_proj"), silu(embedding), out), ["batch", out, 1, 1]));
  h = convolution(scope.at("conv2"), silu(groupNorm(scope.at("norm2"), h, groups(out), epsilon)), out, 3);
  return add(channels === out ? x : convolution(scope.at("conv_shortcut"), x, out, 1), h);
}
