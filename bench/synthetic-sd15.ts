import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { mkdir, rename, stat, statfs } from "node:fs/promises";
import { dirname } from "node:path";
import { finished } from "node:stream/promises";
import { fileURLToPath } from "node:url";
import { type GuideFile, guideGraph } from "#lib/diffusion/guide-network.ts";
import { parseGuideConfig } from "#lib/diffusion/guide-config.ts";
import { joinedGraph, type UNetParts } from "#lib/diffusion/unet-networks.ts";
import { AppError } from "#lib/errors.ts";
import { f32ToF16 } from "#lib/tensor/half.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";
import { WeightMap } from "#lib/weights/weight-map.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import { progress } from "./progress.ts";
import { RecordingWeights } from "./recording-weights.ts";
import { sd15GuideMetadata, sd15UNet } from "./sd15.ts";

type Shapes = ReadonlyMap<string, readonly number[]>;

const size = { tokens: 77, height: 64, width: 64 };
const at = (name: string): string => fileURLToPath(new URL(`out/${name}`, import.meta.url));

/** A UNet of SD 1.5's size and a guide of 0.9 % for it, with random half-precision weights, written once and kept. */
export async function synthesiseSd15(): Promise<{ parts: UNetParts; guide: GuideFile }> {
  const config = parseGuideConfig(sd15GuideMetadata, "sd15-guide.safetensors");
  const unetPath = await written("sd15-unet.safetensors", shapesOf((weights) => joinedGraph({ unet: { config: sd15UNet, weights, files: [] }, lowRank: [], ...size })));
  const guidePath = await written("sd15-guide.safetensors", shapesOf((weights) => guideGraph({ file: { name: "", path: "", header: { metadata: new Map(), tensors: new Map(), dataBegin: 0 } }, config, weights }, size)));
  const [unet, guide] = [await readWeightsFile(unetPath), await readWeightsFile(guidePath)];
  return {
    parts: { unet: { config: sd15UNet, weights: new WeightMap(unet.name, [unet]), files: [unet] }, lowRank: [], ...size },
    guide: { file: guide, config, weights: new WeightMap(guide.name, [guide]) },
  };
}

function shapesOf(build: (weights: WeightMap) => unknown): Shapes {
  const recording = new RecordingWeights();
  build(recording);
  return recording.asked;
}

/** The file, made if it is not there whole. Its data are streamed: the whole of them would take 1.7 GB of memory. */
async function written(name: string, shapes: Shapes): Promise<string> {
  const path = at(name);
  const entries: Record<string, { dtype: "F16"; shape: readonly number[]; data_offsets: [number, number] }> = {};
  let end = 0;
  for (const [tensor, shape] of shapes) entries[tensor] = { dtype: "F16", shape, data_offsets: [end, (end += 2 * sizeOf(shape))] };
  const header = Buffer.from(JSON.stringify(entries));
  const total = 8 + header.length + end;
  if ((await stat(path).catch(() => null))?.size === total) return path;

  await mkdir(dirname(path), { recursive: true });
  const { bavail, bsize } = await statfs(dirname(path));
  if (bavail * bsize < total + 2 ** 28) throw new AppError("bad_request", `The random weights need ${(total / 1e9).toFixed(1)} GB of disk under bench/out, and less is free; make room or run with --model starter.`);
  progress(`writing ${name}, ${(total / 1e9).toFixed(2)} GB`);
  const file = createWriteStream(`${path}.tmp`);
  const write = async (bytes: Uint8Array): Promise<void> => {
    if (!file.write(bytes)) await once(file, "drain");
  };
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  await write(length);
  await write(header);
  for (const [tensor, shape] of shapes) await write(randomTensor(tensor, shape));
  file.end();
  await finished(file);
  await rename(`${path}.tmp`, path);
  return path;
}

// One block of noise, repeated: what it holds does not matter as long as activations stay finite and nothing is zero.
const random = mulberry32(15);
const noise = Float32Array.from({ length: 2 ** 16 }, () => 2 * random() - 1);

function randomTensor(name: string, shape: readonly number[]): Uint8Array {
  const isNorm = shape.length === 1 && /norm/.test(name) && name.endsWith("weight");
  const scale = shape.length >= 2 ? 1 / Math.sqrt(sizeOf(shape.slice(1))) : 0.02;
  const block = f32ToF16(noise.map((value) => scale * value + (isNorm ? 1 : 0)));
  const values = new Uint16Array(sizeOf(shape));
  for (let begin = 0; begin < values.length; begin += block.length) values.set(block.subarray(0, Math.min(block.length, values.length - begin)), begin);
  return new Uint8Array(values.buffer);
}
