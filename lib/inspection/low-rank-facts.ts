import { z } from "zod";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import type { SafetensorsHeader, TensorEntry } from "#lib/weights/safetensors.ts";
import type { Tensors } from "./facts.ts";
import { type LowRankShape, lowRankShape, rising } from "./low-rank-shape.ts";

export interface LowRankFacts extends LowRankShape {
  /** The alphas that occur, rising; empty where none is recorded, and the rank stands for it. */
  readonly alphas: readonly number[];
}

export function lowRankFacts(tensors: Tensors, alphas: readonly number[]): LowRankFacts {
  const { layers, ranks, textWidth, base } = lowRankShape(tensors);
  return { layers, ranks, alphas: rising(alphas), textWidth, base };
}

/** kohya keeps each alpha as a tensor of one number; diffusers notes PEFT's in the metadata. */
export async function readAlphas(source: ByteSource, { tensors, metadata }: SafetensorsHeader): Promise<number[]> {
  const alphas: number[] = [];
  for (const entry of tensors.values()) if (isAlpha(entry)) alphas.push((await readTensor(source, entry)).data[0]!);
  const adapter = adapterMetadata.safeParse(metadata.get("lora_adapter_metadata")).data ?? {};
  for (const [key, value] of Object.entries(adapter))
    if (key.endsWith(".lora_alpha") && typeof value === "number") alphas.push(value);
  return alphas.filter(Number.isFinite);
}

function isAlpha({ name, shape, dtype }: TensorEntry): boolean {
  return name.endsWith(".alpha") && sizeOf(shape) === 1 && /^(B?F16|F32|F64)$/.test(dtype);
}

const adapterMetadata = jsonString(z.record(z.string(), z.unknown()));
