import { basename, dirname, join, resolve } from "node:path";
import { Graph } from "#lib/onnx/graph.ts";
import { openSession, type Runtime } from "#lib/onnx/session.ts";
import { Scope } from "#lib/nn/scope.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { WeightMap, type WeightsFile } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { guideNetwork } from "./guide.ts";
import { type GuideConfig, parseGuideConfig } from "./guide-config.ts";
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

/** latents [B, C, H, W], one timestep for all, text [B, T, D], guidance by row [B] → residuals for the base's decoder. */
export interface GuideNetwork {
  residuals(
    latents: FloatTensor,
    timestep: number,
    text: FloatTensor,
    guidanceScales: Float32Array,
  ): Promise<ResidualTensors>;
  close(): Promise<void>;
}

export interface GuideSize {
  readonly tokens: number;
  readonly height: number;
  readonly width: number;
}

export function guideGraph(guide: GuideFile, { tokens, height, width }: GuideSize): Graph {
  const graph = new Graph("guide");
  const { base } = guide.config;
  const residuals = guideNetwork(
    new Scope(graph, guide.weights),
    guide.config,
    graph.input("latents", ["batch", base.inChannels, height, width]),
    graph.input("timestep", ["batch"]),
    graph.input("text", ["batch", tokens, base.crossAttentionDim]),
    graph.input("guidanceScale", ["batch"]),
  );
  residuals.skips.forEach((residual, k) => graph.output(`residual.${k}`, residual));
  graph.output("residual.mid", residuals.mid);
  guide.weights.requireAllTaken();
  return graph;
}

export async function openGuide(guide: GuideFile, size: GuideSize, runtime: Runtime): Promise<GuideNetwork> {
  const session = await openSession(guideGraph(guide, size), runtime);
  return {
    residuals(latents, timestep, text, guidanceScales) {
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
