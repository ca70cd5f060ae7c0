import { basename } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { silu } from "#lib/nn/activation.ts";
import { convolution } from "#lib/nn/convolution.ts";
import { linear } from "#lib/nn/linear.ts";
import { groupNorm } from "#lib/nn/norm.ts";
import { Scope } from "#lib/nn/scope.ts";
import { Graph, type Value } from "#lib/onnx/graph.ts";
import { add, tanh } from "#lib/onnx/ops/math.ts";
import { concat, reshape } from "#lib/onnx/ops/shape.ts";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";

/** The words an evaluator knows: what a picture may show, of which colour and size, before what. */
export interface Vocabulary {
  readonly backgrounds: readonly string[];
  readonly kinds: readonly string[];
  readonly colors: readonly string[];
  readonly sizes: readonly string[];
}

export const attributes = ["background", "present", "color", "size"] as const;
export type Attribute = (typeof attributes)[number];
export type Accuracies = Readonly<Record<Attribute, number>>;

/** What one picture shows: indices into the vocabulary; of each kind whether it is there, and which colour and size it has if so. */
export interface Reading {
  readonly background: number;
  readonly kinds: readonly { readonly present: boolean; readonly color: number; readonly size: number }[];
}

/** Reads pictures from their scaled latents [B, 4, 16, 16], without decoding them. */
export interface Evaluator {
  readonly name: string;
  readonly path: string;
  readonly vocabulary: Vocabulary;
  /** Held-out accuracy by the domain of the pictures. */
  readonly accuracies: ReadonlyMap<string, Accuracies>;
  read(latents: FloatTensor): Promise<Reading[]>;
  close(): Promise<void>;
}

const words = jsonString(z.array(z.string().min(1)).min(2).max(1000));
const share = z.number().min(0).max(1);
const metadataSchema = z.object({
  format: z.literal("evaluator/1"),
  backgrounds: words,
  kinds: words,
  colors: words,
  sizes: words,
  held_out_accuracy: jsonString(z.record(z.string(), z.object({ background: share, present: share, color: share, size: share }))),
});

export async function openEvaluator(path: string, runtime: Runtime): Promise<Evaluator> {
  const file = await readWeightsFile(path);
  const name = basename(file.path);
  const metadata = metadataSchema.safeParse(Object.fromEntries(file.header.metadata));
  if (!metadata.success) {
    const [issue] = metadata.error.issues as [z.core.$ZodIssue];
    throw new AppError("unsupported_model", `${name} is not an evaluator: "${issue.path.join(".")}" in its metadata ${issue.message.toLowerCase()}; give an evaluator/1 file.`);
  }
  const { held_out_accuracy, format: _, ...vocabulary } = metadata.data;
  const weights = new WeightMap(name, [file]);
  const session: Session<"heads"> = await openSession(evaluatorGraph(weights, vocabulary), runtime);
  return {
    name,
    path: file.path,
    vocabulary,
    accuracies: new Map(Object.entries(held_out_accuracy)),
    read: async (latents) => toReadings((await session.run({ latents })).heads, vocabulary),
    close: () => session.close(),
  };
}

/** Three residual stages, the second and third at half the size each, then one linear layer for all heads. */
function evaluatorGraph(weights: WeightMap, vocabulary: Vocabulary): Graph {
  const graph = new Graph("evaluator");
  const scope = new Scope(graph, weights);
  let h = convolution(scope.at("conv_in"), graph.input("latents", ["batch", 4, 16, 16]), 64, 3);
  for (const [i, channels] of [64, 96, 128].entries()) {
    const block = scope.at(`blocks.${i}`);
    const layer = (x: Value, j: 1 | 2, stride: number): Value =>
      silu(groupNorm(block.at(`norm${j}`), convolution(block.at(`conv${j}`), x, channels, 3, { stride }), 8, 1e-5));
    h = layer(h, 1, i === 0 ? 1 : 2);
    h = add(h, layer(h, 2, 1));
  }
  const flat = reshape(h, ["batch", 128 * 16]);
  const features = tanh(linear(scope.at("features"), flat, 64));
  graph.output("heads", linear(scope.at("heads"), concat([features, flat], 1), headSizes(vocabulary).total));
  weights.requireAllTaken();
  return graph;
}

/** The heads, in order: background, then for every kind its presence, its colour, its size. */
function headSizes({ backgrounds, kinds, colors, sizes }: Vocabulary) {
  const color = backgrounds.length + kinds.length;
  const size = color + kinds.length * colors.length;
  return { present: backgrounds.length, color, size, total: size + kinds.length * sizes.length };
}

function toReadings({ data, shape }: FloatTensor, vocabulary: Vocabulary): Reading[] {
  const { present, color, size, total } = headSizes(vocabulary);
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  return Array.from({ length: shape[0]! }, (_, b): Reading => {
    const heads = data.subarray(b * total, (b + 1) * total);
    const best = (begin: number, count: number): number => heads.subarray(begin, begin + count).reduce((top, value, i, all) => (value > all[top]! ? i : top), 0);
    return {
      background: best(0, backgrounds.length),
      kinds: kinds.map((_kind, k) => ({
        present: heads[present + k]! > 0,
        color: best(color + k * colors.length, colors.length),
        size: best(size + k * sizes.length, sizes.length),
      })),
    };
  });
}
