import { cp, readFile, writeFile } from "node:fs/promises";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { starter } from "./golden.ts";

export interface Weights {
  readonly metadata: ReadonlyMap<string, string>;
  readonly tensors: Map<string, FloatTensor>;
}

/** All of a weights file, in float32. */
export async function readWeights(path: string): Promise<Weights> {
  const source = await openFile(path);
  const header = await readHeader(source);
  const tensors = new Map<string, FloatTensor>();
  for (const entry of header.tensors.values()) tensors.set(entry.name, await readTensor(source, entry));
  await source.close();
  return { metadata: header.metadata, tensors };
}

/** A copy of starter/storybook at `path`, its UNet's tensors changed. */
export async function alteredModel(path: string, change: (tensors: Map<string, FloatTensor>) => void): Promise<string> {
  await cp(starter("storybook"), path, { recursive: true });
  await alteredFile(
    starter("storybook/unet/diffusion_pytorch_model.safetensors"),
    `${path}/unet/diffusion_pytorch_model.safetensors`,
    ({ tensors }) => change(tensors),
  );
  return path;
}

/** A copy of a weights file, changed. */
export async function alteredFile(
  from: string,
  to: string,
  change: (weights: { metadata: Map<string, string>; tensors: Map<string, FloatTensor> }) => void,
): Promise<string> {
  const { metadata, tensors } = await readWeights(from);
  const changed = { metadata: new Map(metadata), tensors };
  change(changed);
  await writeFile(to, writeSafetensors(changed.tensors, changed.metadata));
  return to;
}

/** A copy of starter/storybook at `path`, one of its JSON files changed. */
export async function reconfiguredModel(path: string, file: string, change: Record<string, unknown>): Promise<string> {
  await cp(starter("storybook"), path, { recursive: true });
  const json: unknown = JSON.parse(await readFile(`${path}/${file}`, "utf8"));
  await writeFile(`${path}/${file}`, JSON.stringify({ ...(json as object), ...change }));
  return path;
}
