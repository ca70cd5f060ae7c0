import { basename } from "node:path";
import { openSession, type Runtime, type Session } from "#lib/onnx/session.ts";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import {
  type EvaluatorConfig,
  evaluatorGraph,
  headSizes,
  parseEvaluatorConfig,
  type Vocabulary,
} from "./evaluator-network.ts";

/** What one picture shows: indices into the vocabulary; of each kind whether it is there, and which colour and size it has if so. */
export interface Reading {
  readonly background: number;
  readonly kinds: readonly { readonly present: boolean; readonly color: number; readonly size: number }[];
}

/** Reads pictures from their scaled latents [B, 4, 16, 16], without decoding them. */
export interface Evaluator extends EvaluatorConfig {
  read(latents: FloatTensor): Promise<Reading[]>;
  close(): Promise<void>;
}

export async function openEvaluator(path: string, runtime: Runtime): Promise<Evaluator> {
  const file = await readWeightsFile(path);
  const name = basename(file.path);
  const config = parseEvaluatorConfig(file.header.metadata, name);
  const session: Session<"heads"> = await openSession(
    evaluatorGraph(new WeightMap(name, [file]), config.vocabulary),
    runtime,
  );
  return {
    ...config,
    read: async (latents) => toReadings((await session.run({ latents })).heads, config.vocabulary),
    close: () => session.close(),
  };
}

function toReadings({ data, shape }: FloatTensor, vocabulary: Vocabulary): Reading[] {
  const { present, color, size, total } = headSizes(vocabulary);
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  return Array.from({ length: shape[0]! }, (_, b): Reading => {
    const heads = data.subarray(b * total, (b + 1) * total);
    const best = (begin: number, count: number): number =>
      heads.subarray(begin, begin + count).reduce((top, value, i, all) => (value > all[top]! ? i : top), 0);
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
