import { AppError } from "#lib/errors.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { clipTextEncoder, pooledText } from "./clip.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";

/** Which of the encoder's states are the text's. */
export interface StatesWanted {
  /** How many layers are left out at the end: 0 for none, 1 for the penultimate states. */
  readonly skipLayers: number;
  /** Whether the final norm is applied to them. */
  readonly finalNorm: boolean;
  /** How many layers more are left out in the states `skipped`, which are there where this is above 0. */
  readonly clipSkip?: number;
}

/** The last states, with the final norm. */
export const lastStates: StatesWanted = { skipLayers: 0, finalNorm: true };

/** @param learns  whether learned words stand among the tokens: inputs `vectors` [B, T, width] and `mask` [B, T, 1] */
export function textEncoderGraph(
  config: TextEncoderConfig,
  parameters: ParametersOf,
  { skipLayers, finalNorm, clipSkip = 0 }: StatesWanted,
  learns = false,
): Graph {
  requireLayers(config, skipLayers + clipSkip);
  const graph = new Graph("text encoder");
  const scope = Scope.in(graph, parameters);
  const { maxTokens, width } = config;
  const tokens = graph.input("tokens", ["batch", maxTokens], "int32");
  const learned = learns
    ? {
        vectors: graph.input("vectors", ["batch", maxTokens, width]),
        mask: graph.input("mask", ["batch", maxTokens, 1]),
      }
    : null;
  const { hidden, normalised } = clipTextEncoder(scope, config, tokens, learned);
  // All of it is built, used or not, so that every tensor of the file finds its place; the runtime drops what nobody reads.
  const last = normalised();
  const without = (layers: number): Value => {
    const states = hidden.at(-1 - layers)!;
    if (!finalNorm) return states;
    return layers === 0 ? last : normalised(states);
  };
  graph.output("states", without(skipLayers));
  if (clipSkip > 0) graph.output("skipped", without(skipLayers + clipSkip));
  if (config.projection !== null) {
    const place = graph.input("last", ["batch", 1, config.maxTokens]);
    graph.output("pooled", pooledText(scope, last, place, config.projection));
  }
  return graph;
}

/** All layers may be left out, which leaves the embeddings. @throws bad_request */
export function requireLayers({ layers }: TextEncoderConfig, leftOut: number): void {
  if (leftOut <= layers) return;
  const sentence = `The text encoder has ${layers} layers, so ${leftOut} cannot be left out`;
  throw new AppError("bad_request", `${sentence}; skip fewer.`, { layers, leftOut });
}
