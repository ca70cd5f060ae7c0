import { basename, dirname, join, resolve } from "node:path";
import { openSession, type Runtime } from "#lib/onnx/session.ts";
import { externalParameters } from "#lib/nn/parameters/external.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import type { Conditioning } from "./conditioning.ts";
import { type GuideConfig, parseGuideConfig } from "./guide-config.ts";
import { guideGraph } from "./guide-graph.ts";
import type { UNetSize } from "./unet-graphs.ts";
import type { ResidualTensors } from "./unet-networks.ts";

/** A guide's file, read but not opened. */
export interface GuideFile {
  readonly file: WeightsFile;
  readonly config: GuideConfig;
  readonly weights: WeightMap;
}

export async function readGuideFile(path: string): Promise<GuideFile> {
  // A guide is mostly called guide.safetensors; its folder says which.
  const file = await readWeightsFile(path, join(basename(dirname(resolve(path))), basename(path)));
  return { file, config: parseGuideConfig(file.header.metadata, file.name), weights: new WeightMap(file.name, [file]) };
}

/** latents [B, C, H, W], one timestep for all, guidance by row [B] → residuals for the base's decoder. */
export interface GuideNetwork {
  residuals(
    latents: FloatTensor,
    timestep: number,
    conditioning: Conditioning,
    guidanceScales: Float32Array,
  ): Promise<ResidualTensors>;
  close(): Promise<void>;
}

export async function openGuide(
  { config, weights }: GuideFile,
  size: UNetSize,
  runtime: Runtime,
): Promise<GuideNetwork> {
  const graph = guideGraph(config, size, externalParameters(weights));
  weights.requireAllTaken();
  const session = await openSession(graph, runtime);
  return {
    residuals(latents, timestep, { text }, guidanceScales) {
      const batch = [guidanceScales.length];
      return session.run({
        latents,
        text,
        timestep: tensor(new Float32Array(batch[0]!).fill(timestep), batch),
        guidanceScale: tensor(guidanceScales, batch),
      });
    },
    close: () => session.close(),
  };
}
