import { gelu, quickGelu } from "#lib/nn/activation.ts";
import { linear } from "#lib/nn/linear.ts";
import { layerNorm } from "#lib/nn/norm.ts";
import type { Scope } from "#lib/nn/scope.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { add, matmul, multiply, scalar, subtract } from "#lib/onnx/ops/math.ts";
import { gather, reshape } from "#lib/onnx/ops/shape.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";

/** What a text becomes on its way through the layers. */
export interface ClipStates {
  /** [B, T, width]: the embeddings, then the states after each layer. */
  readonly hidden: readonly Value[];
  /** The last of them after the final norm, or another one. */
  normalised(states?: Value): Value;
}

/** Learned words: what stands in place of token embeddings, and where. */
export interface LearnedStates {
  /** [B, T, width] */
  readonly vectors: Value;
  /** [B, T, 1]: 1 where a vector stands, 0 where a token does. */
  readonly mask: Value;
}

/**
 * CLIP's text transformer (Radford et al. 2021, arXiv 2103.00020, §2.4).
 *
 * @param tokens [B, T] int32, T = maxTokens; any token where `learned` has a vector
 */
export function clipTextEncoder(
  scope: Scope,
  config: TextEncoderConfig,
  tokens: Value,
  learned: LearnedStates | null = null,
): ClipStates {
  const embeddings = scope.at("embeddings");
  const words = embeddings.at("token_embedding").parameter("weight", [config.vocabulary, config.width]);
  const positions = embeddings.at("position_embedding").parameter("weight", [config.maxTokens, config.width]);
  const known = gather(words, tokens);
  const hidden = [add(learned ? replaced(known, learned) : known, positions)];
  for (let i = 0; i < config.layers; i++)
    hidden.push(clipLayer(scope.at(`encoder.layers.${i}`), config, hidden.at(-1)!, { causal: true }));
  const normalised = (states = hidden.at(-1)!): Value =>
    layerNorm(scope.at("final_layer_norm"), states, config.epsilon);
  return { hidden, normalised };
}

/** Vectors where the mask is 1; the table of tokens, which may lie in a file, stays as it is. */
const replaced = (known: Value, { vectors, mask }: LearnedStates): Value =>
  add(multiply(known, subtract(scalar(mask, 1), mask)), multiply(vectors, mask));

/**
 * The text as one vector: the state of its last token, projected (CLIPTextModelWithProjection).
 *
 * @param states [B, T, width] after the final norm
 * @param last   [B, 1, T]: 1 at the last token, 0 elsewhere
 * @returns [B, projection]
 */
export function pooledText(scope: Scope, states: Value, last: Value, projection: number): Value {
  const width = Number(states.shape[2]);
  const token = reshape(matmul(last, states), [states.shape[0]!, width]);
  return linear(scope.at("text_projection"), token, projection, { bias: false });
}

/** What a layer of either tower of CLIP is built by. */
export interface ClipLayerConfig {
  readonly width: number;
  readonly hidden: number;
  readonly heads: number;
  readonly activation: "quick_gelu" | "gelu";
  readonly epsilon: number;
}

/** x + attention(norm(x)), then x + mlp(norm(x)): [B, T, width] → the same. Of a text no word sees a later one (`causal`). */
export function clipLayer(scope: Scope, config: ClipLayerConfig, x: Value, { causal }: { causal: boolean }): Value {
  const self = layerNorm(scope.at("layer_norm1"), x, config.epsilon);
  const project = (name: string): Value => linear(scope.at(`self_attn.${name}`), self, config.width);
  const attended = attention(project("q_proj"), project("k_proj"), project("v_proj"), config.heads, { causal });
  x = add(x, linear(scope.at("self_attn.out_proj"), attended, config.width));

  const activate = config.activation === "gelu" ? gelu : quickGelu;
  const wide = activate(
    linear(scope.at("mlp.fc1"), layerNorm(scope.at("layer_norm2"), x, config.epsilon), config.hidden),
  );
  return add(x, linear(scope.at("mlp.fc2"), wide, config.width));
}
