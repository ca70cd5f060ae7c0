import { fileURLToPath } from "node:url";
import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import { type GuideFile, guideGraph, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { joinedGraph, type UNetParts } from "#lib/diffusion/unet-networks.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { type Shapes, writeRandomWeights } from "./random-weights.ts";
import { RecordingWeights } from "./recording-weights.ts";
import { sd15GuideMetadata, sd15UNet } from "./sd15.ts";

const size = { tokens: 77, height: 64, width: 64 };
const at = (name: string): string => fileURLToPath(new URL(`out/${name}`, import.meta.url));
const [unetPath, guidePath] = [at("sd15-unet.safetensors"), at("sd15-guide.safetensors")];

/** A UNet of SD 1.5's size and a guide of 0.9 % for it, with random half-precision weights: 1.7 GB, written once and kept. */
export async function writeSd15(): Promise<void> {
  const config = parseGuideConfig(sd15GuideMetadata, guidePath);
  const noFile = { name: "", path: "", header: { metadata: new Map(), tensors: new Map(), dataBegin: 0 } };
  await writeRandomWeights(
    unetPath,
    shapesOf((weights) => joinedGraph({ unet: { config: sd15UNet, weights, files: [] }, lowRank: [], ...size })),
  );
  await writeRandomWeights(
    guidePath,
    shapesOf((weights) => guideGraph({ file: noFile, config, weights }, size)),
    sd15GuideMetadata,
  );
}

/** What `writeSd15` wrote. */
export async function readSd15(): Promise<{ parts: UNetParts; guide: GuideFile }> {
  const unet = await readWeightsFile(unetPath);
  return {
    parts: {
      unet: { config: sd15UNet, weights: new WeightMap(unet.name, [unet]), files: [unet] },
      lowRank: [],
      ...size,
    },
    guide: await readGuideFile(guidePath),
  };
}

function shapesOf(build: (weights: WeightMap) => unknown): Shapes {
  const recording = new RecordingWeights();
  build(recording);
  return recording.asked;
}
