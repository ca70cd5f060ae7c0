import { z } from "zod";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import type { SafetensorsHeader, TensorEntry } from "#lib/weights/safetensors.ts";
import type { Tensors } from "./facts.ts";
import type { Family } from "./family.ts";
import { type LowRankPart, lowRankParts, networkOf } from "./low-rank-names.ts";
import { unetFamily } from "./unet-family.ts";

export interface LowRankFacts {
  /** How many layers of each network it changes. */
  readonly layers: Readonly<Record<string, number>>;
  /** The ranks that occur, rising; empty where a rank is not one number, as in LoKr. */
  readonly ranks: readonly number[];
  /** The alphas that occur, rising; empty where none is recorded, and the rank stands for it. */
  readonly alphas: readonly number[];
  /** How wide the text states of its base must be; null where its layers do not tell. */
  readonly textWidth: number | null;
  /** The family of its base, as far as names and shapes tell. */
  readonly base: Family | null;
}

export function lowRankFacts(tensors: Tensors, alphas: readonly number[]): LowRankFacts {
  const parts = lowRankParts(tensors);
  const modules = Map.groupBy(new Set(parts.map(({ module }) => module)), networkOf);
  return {
    layers: Object.fromEntries([...modules].map(([network, { length }]) => [network, length])),
    ranks: rising(parts.flatMap(({ part, entry }) => (part === "down" && entry.shape[0] ? [entry.shape[0]] : []))),
    alphas: rising(alphas),
    textWidth: textWidthOf(parts),
    base: baseOf(parts),
  };
}

/** kohya keeps each alpha as a tensor of one number; diffusers notes PEFT's in the metadata. */
export async function readAlphas(source: ByteSource, { tensors, metadata }: SafetensorsHeader): Promise<number[]> {
  const alphas: number[] = [];
  for (const entry of tensors.values()) if (isAlpha(entry)) alphas.push((await readTensor(source, entry)).data[0]!);
  const adapter = adapterMetadata.safeParse(metadata.get("lora_adapter_metadata")).data ?? {};
  for (const [key, value] of Object.entries(adapter)) if (key.endsWith(".lora_alpha") && typeof value === "number") alphas.push(value);
  return alphas.filter(Number.isFinite);
}

function isAlpha({ name, shape, dtype }: TensorEntry): boolean {
  return name.endsWith(".alpha") && sizeOf(shape) === 1 && /^(B?F16|F32|F64)$/.test(dtype);
}

const adapterMetadata = jsonString(z.record(z.string(), z.unknown()));

function baseOf(parts: readonly LowRankPart[]): Family | null {
  const changes = (pattern: RegExp): boolean => parts.some(({ module }) => pattern.test(module));
  if (changes(/[._](double_blocks|single_blocks|single_transformer_blocks)[._]\d/)) return { name: "Flux", runs: false };
  if (changes(/[._]joint_blocks[._]\d/)) return { name: "SD 3", runs: false };
  if (changes(/^(lora_te2_|text_encoder_2\.)/)) return { name: "SDXL", runs: false };
  const textWidth = textWidthOf(parts);
  if (textWidth === null) return null;
  return unetFamily({ channels: channelsOf(parts), textWidths: [textWidth], inChannels: undefined, addedWidth: undefined, takesGuidance: false });
}

/** Cross-attention's keys read the text states; the queries of their encoder are as wide. */
function textWidthOf(parts: readonly LowRankPart[]): number | null {
  const widthOf = (pattern: RegExp): number | undefined => parts.find(({ part, module }) => part === "down" && pattern.test(module))?.entry.shape[1];
  return widthOf(/[._]attn2[._](processor\.)?to_k$/) ?? widthOf(/^(lora_te_|text_encoder\.).*self_attn[._](q_proj|to_q)$/) ?? null;
}

/** Channels of each level, where the first convolution of every level is changed. */
function channelsOf(parts: readonly LowRankPart[]): number[] | undefined {
  const channels: number[] = [];
  for (const { part, module, entry } of parts) {
    const level = /down_blocks[._](\d)[._]resnets[._]0[._]conv1$/.exec(module)?.[1];
    if (part === "up" && level !== undefined) channels[Number(level)] = entry.shape[0]!;
  }
  return channels.length > 0 && Object.keys(channels).length === channels.length ? channels : undefined;
}

const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);
