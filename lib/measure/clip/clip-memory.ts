import { lastStates, textEncoderGraph } from "#lib/diffusion/text-encoder-graph.ts";
import { RecordingParameters } from "#lib/nn/parameters/recording.ts";
import { type GraphMemory, memoryOf } from "#lib/onnx/memory.ts";
import { optimizationFor } from "#lib/onnx/optimization.ts";
import type { WeightMap } from "#lib/weights/weight-map.ts";
import { TEXTS_AT_ONCE } from "./clip.ts";
import type { ClipFiles } from "./clip-files.ts";
import { visionGraph } from "./vision-graph.ts";

/** What both towers take, for so many pictures at once. */
export function clipMemories({ config, text, vision }: ClipFiles, pictures: number): GraphMemory[] {
  const stored = (weights: WeightMap) => ({
    optimization: optimizationFor(weights.bytes),
    mapped: weights.bytes >= 4 * weights.parameters,
  });
  const anyWeights = () => new RecordingParameters().of;
  return [
    memoryOf(textEncoderGraph(config.text, anyWeights(), lastStates), {
      batch: TEXTS_AT_ONCE,
      ...stored(text.weights),
    }),
    memoryOf(visionGraph(config, anyWeights()), { batch: pictures, ...stored(vision) }),
  ];
}
