import type { Graph, Value } from "#lib/onnx/graph.ts";
import type { Dim } from "#lib/onnx/shape.ts";
import { concat, type FloatTensor, repeat, rows } from "#lib/tensor/tensor.ts";
import type { UNetConfig } from "./unet-config.ts";

/**
 * What a network hears beside latents and timestep, each with the batch as its first axis. A network takes those that its config
 * calls for.
 */
export interface Conditioning {
  /** [B, T, D]: states of the text encoders. */
  readonly text: FloatTensor;
  /** [B, P]: the whole text as one vector (SDXL). */
  readonly pooledText?: FloatTensor;
  /** [B, 6]: original height and width, crop's top and left, target's height and width, in pixels (SDXL). */
  readonly timeIds?: FloatTensor;
  /** [B, E]: the guidance of a latent consistency model. */
  readonly guidanceEmbedding?: FloatTensor;
}

/** The same within a graph. */
export type ConditioningValues = { readonly [Name in keyof Conditioning]: Value };

/** Graph inputs for all the conditioning that the base takes, with `tokens` text states. */
export function conditioningInputs(
  graph: Graph,
  config: UNetConfig,
  tokens: number,
  batch: Dim = "batch",
): ConditioningValues {
  const { added, guidanceEmbeddingWidth } = config;
  return {
    text: graph.input("text", [batch, tokens, config.crossAttentionDim]),
    ...(added && {
      pooledText: graph.input("pooledText", [batch, added.pooledWidth]),
      timeIds: graph.input("timeIds", [batch, added.timeIds]),
    }),
    ...(guidanceEmbeddingWidth !== null && {
      guidanceEmbedding: graph.input("guidanceEmbedding", [batch, guidanceEmbeddingWidth]),
    }),
  };
}

/** Rows begin … end of each. */
export const conditioningRows = (conditioning: Conditioning, begin: number, end: number): Conditioning =>
  mapEach(conditioning, (tensor) => rows(tensor, begin, end));

/** Repeats one row to `count`. */
export const repeatConditioning = (conditioning: Conditioning, count: number): Conditioning =>
  mapEach(conditioning, (tensor) => repeat(tensor, count));

/** The rows of all, in order; all have the same members. */
export const concatConditioning = (parts: readonly [Conditioning, ...Conditioning[]]): Conditioning =>
  mapEach(parts[0], (_tensor, name) => concat(parts.map((part) => part[name]!)));

function mapEach(
  conditioning: Conditioning,
  change: (tensor: FloatTensor, name: keyof Conditioning) => FloatTensor,
): Conditioning {
  const { text, pooledText, timeIds, guidanceEmbedding } = conditioning;
  return {
    text: change(text, "text"),
    ...(pooledText && { pooledText: change(pooledText, "pooledText") }),
    ...(timeIds && { timeIds: change(timeIds, "timeIds") }),
    ...(guidanceEmbedding && { guidanceEmbedding: change(guidanceEmbedding, "guidanceEmbedding") }),
  };
}
