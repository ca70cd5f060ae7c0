import type { Value } from "#lib/onnx/graph.ts";
import { add, multiply, scalar } from "#lib/onnx/ops/math.ts";
import { reshape, split } from "#lib/onnx/ops/shape.ts";
import { type Activation, activations } from "./activation.ts";
import { convolution } from "./convolution.ts";
import { linear } from "./linear.ts";
import { groupNorm } from "./norm.ts";
import type { Scope } from "./scope.ts";

export interface ResnetOptions {
  readonly out: number;
  /** Groups of both norms, or how many for so many channels. */
  readonly groups: number | ((channels: number) => number);
  readonly epsilon: number;
  /** [B, E], or none (in a VAE). */
  readonly embedding: Value | null;
  /** Whether the embedding scales and shifts the second norm (`scale_shift`) instead of being added before it. */
  readonly scaleShift?: boolean;
  readonly activation?: Activation;
  /** The sum is divided by this. */
  readonly outputScale?: number;
}

/**
 * shortcut(x) + conv(act(norm(conv(act(norm(x))) + Linear(act(embedding))))): [B, C, H, W] → [B, out, H, W].
 * The shortcut is a 1×1 convolution where the channels differ, else x itself.
 */
export const resnet = (scope: Scope, x: Value, options: ResnetOptions): Value =>
  scope.graph.asBlock(() => layers(scope, x, options));

function layers(scope: Scope, x: Value, options: ResnetOptions): Value {
  const { out, groups, epsilon, embedding, scaleShift = false, outputScale = 1 } = options;
  const activate = activations[options.activation ?? "silu"];
  const channels = Number(x.shape[1]);
  const groupsOf = typeof groups === "number" ? () => groups : groups;
  const norm = (name: string, h: Value, size: number): Value => groupNorm(scope.at(name), h, groupsOf(size), epsilon);

  let h = convolution(scope.at("conv1"), activate(norm("norm1", x, channels)), out, 3);
  if (embedding && scaleShift) {
    const both = project(scope.at("time_emb_proj"), activate(embedding), 2 * out);
    const [scale, shift] = split(both, 1, [out, out]) as [Value, Value];
    h = add(multiply(norm("norm2", h, out), add(scale, scalar(scale, 1))), shift);
  } else {
    if (embedding) h = add(h, project(scope.at("time_emb_proj"), activate(embedding), out));
    h = norm("norm2", h, out);
  }
  h = convolution(scope.at("conv2"), activate(h), out, 3);
  const sum = add(channels === out ? x : convolution(scope.at("conv_shortcut"), x, out, 1), h);
  return outputScale === 1 ? sum : multiply(sum, scalar(sum, 1 / outputScale));
}

/** [B, E] → [B, out, 1, 1] */
const project = (scope: Scope, embedding: Value, out: number): Value =>
  reshape(linear(scope, embedding, out), [embedding.shape[0]!, out, 1, 1]);
