import { AppError } from "#lib/errors.ts";
import { adaptedParameters } from "#lib/nn/parameters/adapted.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { type FloatTensor, type Tensor, tensor } from "#lib/tensor/tensor.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import type { Component } from "./model.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";
import { type StatesWanted, textEncoderGraph } from "./text-encoder-graph.ts";
import type { ClipTokenizer } from "./tokenizer.ts";

export interface EncodedText {
  /** [B, T, width] */
  readonly states: FloatTensor;
  /** [B, projection]; null where the encoder has no projection. */
  readonly pooled: FloatTensor | null;
}

/** Token ids [B, T] → text states. */
export interface TextEncoder {
  readonly tokenizer: ClipTokenizer;
  encode(tokens: Tensor<Int32Array>): Promise<EncodedText>;
  close(): Promise<void>;
}

export async function openTextEncoder(
  { config, weights }: Component<TextEncoderConfig>,
  lowRank: readonly AdapterLayers[],
  tokenizer: ClipTokenizer,
  wanted: StatesWanted,
  runtime: Runtime,
): Promise<TextEncoder> {
  const { maxTokens, vocabulary } = config;
  if (tokenizer.maxTokens !== maxTokens) {
    const sentence = `The tokenizer cuts texts at ${tokenizer.maxTokens} tokens where the text encoder has ${maxTokens} positions`;
    throw new AppError("unsupported_model", `${sentence}; use the tokenizer that came with the model.`);
  }
  const graph = textEncoderGraph(config, adaptedParameters(externalParameters(weights), lowRank), wanted);
  weights.requireAllTaken();
  for (const layers of lowRank) layers.requireAllTaken();
  const session: Session<"states" | "pooled"> = await openSession(graph, runtime);
  return {
    tokenizer,
    async encode(tokens) {
      const stranger = tokens.data.find((id) => id >= vocabulary);
      if (stranger !== undefined) {
        const sentence = `The tokenizer knows a token ${stranger} where the text encoder has ${vocabulary}`;
        const detail = { stranger, vocabulary };
        throw new AppError("weights_mismatch", `${sentence}; use the tokenizer that came with the model.`, detail);
      }
      const last = config.projection === null ? {} : { last: lastTokens(tokens, config.endToken) };
      const { states, pooled } = await session.run({ tokens, ...last });
      return { states, pooled: pooled ?? null };
    },
    close: () => session.close(),
  };
}

/** [B, T] → [B, 1, T]: 1 at the first token with the number `endToken`, or at the first of the highest number. */
function lastTokens({ data, shape }: Tensor<Int32Array>, endToken: number | null): FloatTensor {
  const [batch, length] = shape as [number, number];
  const places = new Float32Array(data.length);
  for (let row = 0; row < batch; row++) {
    const ids = data.subarray(row * length, (row + 1) * length);
    const place = ids.indexOf(endToken ?? ids.reduce((most, id) => Math.max(most, id)));
    places[row * length + Math.max(0, place)] = 1; // torch's argmax of nothing found is the first
  }
  return tensor(places, [batch, 1, length]);
}
