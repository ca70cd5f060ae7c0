import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { silu } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { linear } from "#lib/nn/linear.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { add, tanh } from "#lib/onnx/ops/math.ts";
import { concat, reshape } from "#lib/onnx/ops/shape.ts";
import type { Accuracies } from "#lib/pairing/measured-accuracies.ts";
import { jsonString } from "#lib/util/json-string.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";

/** The words an evaluator knows: what a picture may show, of which colour and size, before what. */
export interface Vocabulary {
  readonly backgrounds: readonly string[];
  readonly kinds: readonly string[];
  readonly colors: readonly string[];
  readonly sizes: readonly string[];
}

/** What an evaluator file says of itself: `__metadata__` of `format=evaluator/1`. */
export interface EvaluatorConfig {
  readonly vocabulary: Vocabulary;
  /** Held-out accuracy by the style of the pictures, as it claims. What counts is measured: lib/pairing/measured-accuracies.ts. */
  readonly claimed: ReadonlyMap<string, Accuracies>;
}

const words = jsonString(z.array(z.string().min(1)).min(2).max(1000));
const share = z.number().min(0).max(1);
const metadataSchema = z.object({
  format: z.literal("evaluator/1"),
  backgrounds: words,
  kinds: words,
  colors: words,
  sizes: words,
  held_out_accuracy: jsonString(
    z.record(z.string(), z.object({ background: share, present: share, color: share, size: share })),
  ),
});

/** `file` is named in messages. */
export function parseEvaluatorConfig(metadata: ReadonlyMap<string, string>, file: string): EvaluatorConfig {
  const parsed = metadataSchema.safeParse(Object.fromEntries(metadata));
  if (!parsed.success) {
    const [issue] = parsed.error.issues as [z.core.$ZodIssue];
    throw new AppError(
      "unsupported_model",
      `${file} is not an evaluator we can run: "${issue.path.join(".")}" in its metadata is missing or malformed (${issue.message}); give an evaluator/1 file.`,
    );
  }
  const { held_out_accuracy, backgrounds, kinds, colors, sizes } = parsed.data;
  return { vocabulary: { backgrounds, kinds, colors, sizes }, claimed: new Map(Object.entries(held_out_accuracy)) };
}

/** What the network reads of one picture. */
export const latentShape = [4, 16, 16] as const;

/** Three residual stages, the second and third at half the size each, then one linear layer for all heads. */
export function evaluatorGraph(weights: WeightMap, vocabulary: Vocabulary): Graph {
  const graph = new Graph("evaluator");
  const scope = Scope.in(graph, externalParameters(weights));
  let h = convolution(scope.at("conv_in"), graph.input("latents", ["batch", ...latentShape]), 64, 3);
  for (const [i, channels] of [64, 96, 128].entries()) {
    const block = scope.at(`blocks.${i}`);
    const layer = (x: Value, j: 1 | 2, stride: number): Value =>
      silu(groupNorm(block.at(`norm${j}`), convolution(block.at(`conv${j}`), x, channels, 3, { stride }), 8, 1e-5));
    h = layer(h, 1, i === 0 ? 1 : 2);
    h = add(h, layer(h, 2, 1));
  }
  const flat = reshape(h, ["batch", 128 * 16]);
  const features = tanh(linear(scope.at("features"), flat, 64));
  graph.output("features", features);
  graph.output("heads", linear(scope.at("heads"), concat([features, flat], 1), headSizes(vocabulary).total));
  weights.requireAllTaken();
  return graph;
}

/** The heads, in order: background, then for every kind its presence, its colour, its size. */
export function headSizes({ backgrounds, kinds, colors, sizes }: Vocabulary) {
  const color = backgrounds.length + kinds.length;
  const size = color + kinds.length * colors.length;
  return { present: backgrounds.length, color, size, total: size + kinds.length * sizes.length };
}
