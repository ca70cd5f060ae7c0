import { AppError } from "#lib/errors.ts";
import type { ParametersOf } from "#lib/nn/parameters/parameters.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph } from "#lib/onnx/graph.ts";
import { clipTextEncoder, pooledText } from "./clip.ts";
import type { TextEncoderConfig } from "./text-encoder-config.ts";

/** Which of the encoder's states are the text's. */
export interface StatesWanted {
  /** How many layers are left out at the end: 0 for none, 1 for the penultimate states. */
  readonly skipLayers: number;
  /** Whether the final norm is applied to them. */
  readonly finalNorm: boolean;
}

/** The last states, with the final norm. */
export const lastStates: StatesWanted = { skipLayers: 0, finalNorm: true };

export function textEncoderGraph(config: TextEncoderConfig, parameters: ParametersOf, wanted: StatesWanted): Graph {
  if (wanted.skipLayers > config.layers) {
    const sentence = `The text encoder has ${config.layers} layers, so ${wanted.skipLayers} cannot be skipped; ask for fewer.`;
    throw new AppError("bad_request", sentence, { ...wanted });
  }
  const graph = new Graph("text encoder");
  const scope = Scope.in(graph, parameters);
  const tokens = graph.input("tokens", ["batch", config.maxTokens], "int32");
  const { hidden, normalised } = clipTextEncoder(scope, config, tokens);
  // All of it is built, used or not, so that every tensor of the file finds its place; the runtime drops what nobody reads.
  const [last, chosen] = [normalised(), hidden.at(-1 - wanted.skipLayers)!];
  const unskipped = wanted.skipLayers === 0 ? last : null;
  graph.output("states", wanted.finalNorm ? (unskipped ?? normalised(chosen)) : chosen);
  if (config.projection !== null) {
    const place = graph.input("last", ["batch", 1, config.maxTokens]);
    graph.output("pooled", pooledText(scope, last, place, config.projection));
  }
  return graph;
}
