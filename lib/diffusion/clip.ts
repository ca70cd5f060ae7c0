import { gelu, quickGelu } from "#lib/nn/activation.ts";
import { linear } from "#lib/nn/linear.ts";
import { layerNorm } from "#lib/nn/norm.ts";
import type { Scope } from "#lib/nn/scope.ts";
import type { Value } from "#lib/onnx/graph.ts";
import { attention } from "#lib/onnx/ops/attention.ts";
import { add } from "#lib/onnx/ops/math.ts";
import { gather } from "#lib/onnx/ops/shape.ts";
import type { TextEncoderConfig } from "./config.ts";

/**
 * CLIP's text transformer (Radford et al. 2021, arXiv 2103.00020, §2.4), to its last hidden state after the final norm.
 *
 * @param tokens [B, T] int32, T = maxTokens
 * @returns [B, T, width]
 */
export function clipTextEncoder(scope: Scope, config: TextEncoderConfig, tokens: Value): Value {
  const embeddings = scope.at("embeddings");
  const words = embeddings.at("token_embedding").parameter("weight", [config.vocabulary, config.width]);
  const positions = embeddings.at("position_embedding").parameter("weight", [config.maxTokens, config.width]);
  let h = add(gather(words, tokens), positions);
  for (let i = 0; i < config.layers; i++) h = layer(scope.at(`encoder.layers.${i}`), config, h);
  return layerNorm(scope.at("final_layer_norm"), h, config.epsilon);
}

function layer(scope: Scope, config: TextEncoderConfig, x: Value): Value {
  const self = layerNorm(scope.at("layer_norm1"), x, config.epsilon);
  const project = (name: string): Value => linear(scope.at(`self_attn.${name}`), self, config.width);
  const attended = attention(project("q_proj"), project("k_proj"), project("v_proj"), config.heads, { causal: true });
  x = add(x, linear(scope.at("self_attn.out_proj"), attended, config.width));

  const activate = config.activation === "gelu" ? gelu : quickGelu;
  const wide = activate(
    linear(scope.at("mlp.fc1"), layerNorm(scope.at("layer_norm2"), x, config.epsilon), config.hidden),
  );
  return add(x, linear(scope.at("mlp.fc2"), wide, config.width));
}
