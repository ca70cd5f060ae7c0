import { fileURLToPath } from "node:url";
import { type ModelFiles, readModelFiles } from "#lib/diffusion/model-files.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readIntegers, readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";

export const starter = (path: string): string => fileURLToPath(new URL(`../../starter/${path}`, import.meta.url));

/** Two threads, whatever the machine has: results are compared, and some runners have one. */
export const testRuntime: Runtime = { provider: "cpu", precision: "float32", threads: 2 };

/** The starter models that have golden vectors, and what each is put together from. */
export const goldenModels = {
  storybook: { folder: "storybook", lowRank: [], guide: "guide-distilled" },
  watercolor: { folder: "watercolor", lowRank: [], guide: "guide-tiny" },
  neon: { folder: "storybook", lowRank: ["neon-lora/neon.safetensors"], guide: "guide-distilled" },
  pencil: { folder: "storybook", lowRank: ["pencil-lora/pencil.safetensors"], guide: "guide-tiny" },
} as const;

export type GoldenModel = keyof typeof goldenModels;
export const goldenNames = Object.keys(goldenModels) as GoldenModel[];

export function openGoldenModel(name: GoldenModel): Promise<ModelFiles> {
  const { folder, lowRank, guide } = goldenModels[name];
  return readModelFiles({
    model: starter(folder),
    lowRank: lowRank.map((path) => ({ path: starter(path), strength: 1 })),
    guide: starter(`${guide}/guide.safetensors`),
  });
}

export interface Golden {
  readonly prompt: string;
  tensor(name: string): FloatTensor;
}

export async function readGolden(name: GoldenModel): Promise<Golden> {
  const path = fileURLToPath(new URL(`../golden/starter/${name}.safetensors`, import.meta.url));
  const tensors = await readTensors(path);
  const { header } = await readWeightsFile(path);
  return { prompt: header.metadata.get("prompt")!, tensor: (wanted) => tensors.get(wanted)! };
}

/** All tensors of a safetensors file by name, whole numbers as floats. */
export async function readTensors(path: string): Promise<ReadonlyMap<string, FloatTensor>> {
  const source = await openFile(path);
  const tensors = new Map<string, FloatTensor>();
  for (const entry of (await readHeader(source)).tensors.values()) {
    if (entry.dtype !== "I32" && entry.dtype !== "I64") tensors.set(entry.name, await readTensor(source, entry));
    else {
      const { data, shape } = await readIntegers(source, entry);
      tensors.set(entry.name, tensor(Float32Array.from(data), shape));
    }
  }
  await source.close();
  return tensors;
}
