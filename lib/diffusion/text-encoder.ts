import { AppError } from "#lib/errors.ts";
import { adaptedParameters } from "#lib/nn/parameters/adapted.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import { type FloatTensor, type Tensor, tensor, zeros } from "#lib/tensor/tensor.ts";
import type { AdapterLayers } from "#lib/weights/adapters/adapter-layers.ts";
import type { EncoderWord } from "./learned-words.ts";
import type { Component } from "./model.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";
import { type StatesWanted, textEncoderGraph } from "./text-encoder-graph.ts";
import type { ClipTokenizer, TokenizerWord } from "./tokenizer.ts";

export interface EncodedText {
  /** [B, T, width] */
  readonly states: FloatTensor;
  /** The same with a clip skip; null where none was asked for. */
  readonly skipped: FloatTensor | null;
  /** [B, projection]; null where the encoder has no projection. */
  readonly pooled: FloatTensor | null;
}

/** Token ids [B, T] → text states. */
export interface TextEncoder {
  readonly tokenizer: ClipTokenizer;
  encode(tokens: Tensor<Int32Array>): Promise<EncodedText>;
  close(): Promise<void>;
}

/**
 * @param words  learned words (textual inversion). As diffusers has it, they take the ids behind the vocabulary; so where the config's
 *               end token is the old 2, the text is pooled at the word of the highest number and not at its end.
 */
export async function openTextEncoder(
  { config, weights }: Component<TextEncoderConfig>,
  lowRank: readonly AdapterLayers[],
  known: ClipTokenizer,
  wanted: StatesWanted,
  runtime: Runtime,
  words: readonly EncoderWord[] = [],
): Promise<TextEncoder> {
  const { maxTokens, vocabulary, width } = config;
  const tokenizer = words.length > 0 ? known.withWords(words.map(toTokenizer), vocabulary) : known;
  const learned = concatRows(words);
  if (tokenizer.maxTokens !== maxTokens) {
    const sentence = `The tokenizer cuts texts at ${tokenizer.maxTokens} tokens where the text encoder has ${maxTokens} positions`;
    throw new AppError("unsupported_model", `${sentence}; use the tokenizer that came with the model.`);
  }
  const parameters = adaptedParameters(externalParameters(weights), lowRank);
  const graph = textEncoderGraph(config, parameters, wanted, words.length > 0);
  weights.requireAllTaken();
  for (const layers of lowRank) layers.requireAllTaken();
  const session: Session<"states" | "skipped" | "pooled"> = await openSession(graph, runtime);
  return {
    tokenizer,
    async encode(tokens) {
      const stranger = tokens.data.find((id) => id >= vocabulary + learned.length / width);
      if (stranger !== undefined) {
        const sentence = `The tokenizer knows a token ${stranger} where the text encoder has ${vocabulary}`;
        const detail = { stranger, vocabulary };
        throw new AppError("weights_mismatch", `${sentence}; use the tokenizer that came with the model.`, detail);
      }
      const last = config.projection === null ? {} : { last: lastTokens(tokens, config.endToken) };
      const inputs = words.length > 0 ? withVectors(tokens, learned, config) : { tokens };
      const { states, skipped = null, pooled = null } = await session.run({ ...inputs, ...last });
      return { states, skipped, pooled };
    },
    close: () => session.close(),
  };
}

const toTokenizer = ({ token, vectors }: EncoderWord): TokenizerWord => ({ token, count: vectors.shape[0]! });

/** The vectors of all words, one behind the other. */
function concatRows(words: readonly EncoderWord[]): Float32Array {
  const all = new Float32Array(words.reduce((sum, { vectors }) => sum + vectors.data.length, 0));
  let at = 0;
  for (const { vectors } of words) {
    all.set(vectors.data, at);
    at += vectors.data.length;
  }
  return all;
}

/** The inputs of a graph that learns: an id behind the vocabulary is a row of `learned`, and token 0 to the table. */
function withVectors(
  { data, shape }: Tensor<Int32Array>,
  learned: Float32Array,
  { vocabulary, width }: TextEncoderConfig,
) {
  const [batch, length] = shape as [number, number];
  const [vectors, mask] = [zeros([batch, length, width]), zeros([batch, length, 1])];
  const ids = data.slice();
  data.forEach((id, place) => {
    if (id < vocabulary) return;
    const row = id - vocabulary;
    vectors.data.set(learned.subarray(row * width, (row + 1) * width), place * width);
    mask.data[place] = 1;
    ids[place] = 0;
  });
  return { tokens: tensor(ids, shape), vectors, mask };
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
