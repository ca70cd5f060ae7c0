import { cp, mkdir, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import type { FloatTensor } from "#lib/tensor/tensor.ts";
import { openFile } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { starterPath } from "../starter-path.ts";

export type Tensors = Map<string, FloatTensor>;

const UNET = "unet/diffusion_pytorch_model.safetensors";

export async function readTensors(path: string): Promise<{ metadata: Map<string, string>; tensors: Tensors }> {
  const source = await openFile(path);
  try {
    const header = await readHeader(source);
    const tensors: Tensors = new Map();
    for (const entry of header.tensors.values()) tensors.set(entry.name, await readTensor(source, entry));
    return { metadata: new Map(header.metadata), tensors };
  } finally {
    await source.close();
  }
}

export const unetOf = async (model: string): Promise<Tensors> =>
  (await readTensors(join(starterPath(model), UNET))).tensors;

/** A copy of a starter's file, its tensors and metadata changed. */
export async function changedFile(
  from: string,
  to: string,
  change: (tensors: Tensors, metadata: Map<string, string>) => void,
): Promise<string> {
  const { metadata, tensors } = await readTensors(from);
  change(tensors, metadata);
  await mkdir(dirname(to), { recursive: true });
  await writeFile(to, writeSafetensors(tensors, metadata));
  return to;
}

/** A copy of a model of the starter, one of its weights files changed. */
export async function changedModel(
  model: string,
  to: string,
  change: (tensors: Tensors) => void,
  file = UNET,
): Promise<string> {
  await cp(starterPath(model), to, { recursive: true });
  await changedFile(join(starterPath(model), file), join(to, file), change);
  return to;
}

/** Every element of every tensor as a function of what it is in several models. */
export function combine(tensors: Tensors, others: readonly Tensors[], of: (...values: number[]) => number): void {
  for (const [name, { data }] of tensors)
    data.forEach((value, i) => (data[i] = of(value, ...others.map((other) => other.get(name)!.data[i]!))));
}

/** The same function computed on other channels: within each residual block the channels between its two convolutions change places, each within its group of the norm. */
export function permuteBlocks(tensors: Tensors, groups: number, random: () => number): void {
  for (const name of [...tensors.keys()].filter((one) => one.endsWith(".norm2.weight") && one.includes("resnets"))) {
    const block = name.slice(0, -".norm2.weight".length);
    const order = orderWithinGroups(tensors.get(name)!.data.length, groups, random);
    for (const part of [
      "norm2.weight",
      "norm2.bias",
      "conv1.weight",
      "conv1.bias",
      "time_emb_proj.weight",
      "time_emb_proj.bias",
    ])
      permuteRows(tensors.get(`${block}.${part}`)!.data, order);
    const next = tensors.get(`${block}.conv2.weight`)!; // [out, in, 3, 3]
    const size = next.data.length / next.shape[0]!;
    for (let row = 0; row < next.shape[0]!; row++) permuteRows(next.data.subarray(row * size, (row + 1) * size), order);
  }
}

function orderWithinGroups(channels: number, groups: number, random: () => number): number[] {
  const size = channels / groups;
  return Array.from({ length: groups }, (_, group) =>
    shuffled(
      Array.from({ length: size }, (_each, i) => group * size + i),
      random,
    ),
  ).flat();
}

export function shuffled<T>(items: readonly T[], random: () => number): T[] {
  const list = [...items];
  for (let i = list.length - 1; i > 0; i--) {
    const j = Math.floor(random() * (i + 1));
    [list[i], list[j]] = [list[j]!, list[i]!];
  }
  return list;
}

function permuteRows(data: Float32Array, order: readonly number[]): void {
  const before = data.slice();
  const size = data.length / order.length;
  for (const [to, from] of order.entries()) data.set(before.subarray(from * size, (from + 1) * size), to * size);
}
