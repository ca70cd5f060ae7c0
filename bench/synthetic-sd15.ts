import { fileURLToPath } from "node:url";
import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import { type GuideFile, readGuideFile } from "#lib/diffusion/guide-network.ts";
import { guideGraph } from "#lib/diffusion/guide-graph.ts";
import { type UNetParts } from "#lib/diffusion/unet-networks.ts";
import { joinedGraph } from "#lib/diffusion/unet-graphs.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { writeRandomWeights } from "./random-weights.ts";
import { sd15GuideMetadata, sd15UNet } from "./sd15.ts";
import { shapesOf } from "./synthetic-model.ts";

const size = { tokens: 77, height: 64, width: 64 };
const at = (name: string): string => fileURLToPath(new URL(`out/${name}`, import.meta.url));
const unetPath = at("sd15-unet.safetensors");
export const guidePath = at("sd15-guide.safetensors");

/** A UNet of SD 1.5's size and a guide of 0.9% for it, with random half-precision weights: 1.7 GB, written once and kept. */
export async function writeSd15(): Promise<void> {
  const config = parseGuideConfig(sd15GuideMetadata, guidePath);
  await writeRandomWeights(
    unetPath,
    shapesOf((parameters) => joinedGraph(sd15UNet, size, parameters)),
  );
  await writeRandomWeights(
    guidePath,
    shapesOf((parameters) => guideGraph(config, size, parameters)),
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
