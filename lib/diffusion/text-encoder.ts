import { AppError } from "#lib/errors.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { Scope } from "#lib/nn/scope.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import { clipTextEncoder } from "./clip.ts";
import type { TextEncoderConfig } from "./config.ts";
import type { Component } from "./model-folder.ts";
import type { ClipTokenizer } from "./tokenizer.ts";

/** Texts → text states [B, T, D]. */
export interface TextEncoder {
  embed(texts: readonly string[]): Promise<FloatTensor>;
  close(): Promise<void>;
}

export function textEncoderGraph(
  { config, weights }: Component<TextEncoderConfig>,
  lowRank: readonly AdapterLayers[],
): Graph {
  const graph = new Graph("text encoder");
  const tokens = graph.input("tokens", ["batch", config.maxTokens], "int32");
  graph.output("states", clipTextEncoder(new Scope(graph, weights, lowRank), config, tokens));
  weights.requireAllTaken();
  for (const layers of lowRank) layers.requireAllTaken();
  return graph;
}

export async function openTextEncoder(
  component: Component<TextEncoderConfig>,
  lowRank: readonly AdapterLayers[],
  tokenizer: ClipTokenizer,
  runtime: Runtime,
): Promise<TextEncoder> {
  const { maxTokens, vocabulary } = component.config;
  if (tokenizer.maxTokens !== maxTokens) {
    throw new AppError(
      "unsupported_model",
      `The tokenizer cuts texts at ${tokenizer.maxTokens} tokens where the text encoder has ${maxTokens} positions; use the tokenizer that came with the model.`,
    );
  }
  const session: Session<"states"> = await openSession(textEncoderGraph(component, lowRank), runtime);
  return {
    async embed(texts) {
      const tokens = new Int32Array(texts.length * maxTokens);
      texts.forEach((text, i) => tokens.set(tokenizer.encode(text).ids, i * maxTokens));
      const stranger = tokens.find((id) => id >= vocabulary);
      if (stranger !== undefined) {
        throw new AppError(
          "weights_mismatch",
          `The tokenizer knows a token ${stranger} where the text encoder has ${vocabulary}; use the tokenizer that came with the model.`,
          { stranger, vocabulary },
        );
      }
      return (await session.run({ tokens: tensor(tokens, [texts.length, maxTokens]) })).states;
    },
    close: () => session.close(),
  };
}
