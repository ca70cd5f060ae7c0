import type { Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { add } from "#lib/onnx/ops/math.ts";
import { linear } from "./linear.ts";
import { groupNorm } from "./norm.ts";
import { toPixels, toSequence } from "./pixels.ts";
import type { Scope } from "./scope.ts";

export interface SelfAttentionOptions {
  readonly heads: number;
  readonly groups: number;
  readonly epsilon: number;
}

/** Pixels attend to themselves, without a transformer around: x + to_out(attention(norm(x))), [B, C, H, W] → the same. */
export const selfAttention = (scope: Scope, x: Value, options: SelfAttentionOptions): Value =>
  scope.graph.asBlock(() => layers(scope, x, options));

function layers(scope: Scope, x: Value, { heads, groups, epsilon }: SelfAttentionOptions): Value {
  const channels = Number(x.shape[1]);
  const normal = toSequence(groupNorm(scope.at("group_norm"), x, groups, epsilon));
  const project = (name: string): Value => linear(scope.at(name), normal, channels);
  const attended = attention(project("to_q"), project("to_k"), project("to_v"), heads);
  return add(toPixels(linear(scope.at("to_out.0"), attended, channels), x), x);
}
