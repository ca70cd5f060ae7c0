import { z } from "zod";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { jsonString } from "#lib/util/json-string.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { readTensor } from "#lib/weights/read-tensor.ts";
import type { SafetensorsHeader, TensorEntry } from "#lib/weights/safetensors.ts";
import type { Tensors } from "./facts.ts";
import { type Family, unetFamily } from "./family.ts";

export interface LowRankFacts {
  /** Layers changed in each network. */
  readonly layers: Readonly<Record<string, number>>;
  /** The ranks that occur, rising; empty for spellings whose rank is not one number. */
  readonly ranks: readonly number[];
  /** The alphas that occur, rising; empty where none is recorded, and the rank stands for it. */
  readonly alphas: readonly number[];
  /** The width of the text states that its base must have; null where its layers do not tell. */
  readonly textWidth: number | null;
}

interface Part {
  readonly module: string;
  readonly part: "down" | "up" | "alpha" | "other";
  readonly entry: TensorEntry;
}

export function lowRankFacts(tensors: Tensors): LowRankFacts {
  const parts = partsOf(tensors);
  const modules = new Set(parts.map(({ module }) => module));
  const layers = new Map<string, number>();
  for (const module of modules) layers.set(networkOf(module), (layers.get(networkOf(module)) ?? 0) + 1);
  return {
    layers: Object.fromEntries(layers),
    ranks: rising(parts.flatMap(({ part, entry }) => (part === "down" && entry.shape[0] ? [entry.shape[0]] : []))),
    alphas: [],
    textWidth: textWidthOf(parts),
  };
}

/** The family of the base that its layers were made for, as far as names and shapes tell. */
export function lowRankFamily(tensors: Tensors): Family | null {
  const parts = partsOf(tensors);
  const changes = (pattern: RegExp): boolean => parts.some(({ module }) => pattern.test(module));
  if (changes(/^(lora_unet|lora_transformer|transformer|diffusion_model)[._](double_blocks|single_blocks|single_transformer_blocks)[._]/)) return { name: "Flux", runs: false };
  if (changes(/^(lora_unet|transformer|diffusion_model)[._]joint_blocks[._]/)) return { name: "SD 3", runs: false };
  if (changes(/^(lora_te2_|text_encoder_2\.)/) && changes(/^(lora_unet_|unet\.)/)) return { name: "SDXL", runs: false };
  const textWidth = textWidthOf(parts);
  return textWidth === null ? null : unetFamily({ channels: channelsOf(parts), textWidths: [textWidth], inChannels: undefined, addedWidth: undefined, takesGuidance: false });
}

/** Who writes names of this kind; more than one where a file mixes them. */
export function spellingOf(tensors: Tensors): string {
  const found = spellings.filter(({ pattern }) => tensors.keys().some((name) => pattern.test(name)));
  return found.map(({ name }) => name).join(", ");
}

export const isLowRankTensor = (name: string): boolean => suffix.test(name);

/** The tensors of one network, by the names that messages and totals know it by. */
export function tensorsByNetwork(tensors: Tensors): Map<string, Tensors> {
  const networks = new Map<string, Map<string, TensorEntry>>();
  for (const [name, entry] of tensors) {
    const network = networkOf(name);
    networks.set(network, (networks.get(network) ?? new Map<string, TensorEntry>()).set(name, entry));
  }
  return networks;
}

/** kohya keeps each alpha as a tensor of one number; diffusers notes PEFT's in the metadata. */
export async function readAlphas(source: ByteSource, { tensors, metadata }: SafetensorsHeader): Promise<number[]> {
  const alphas: number[] = [];
  for (const entry of tensors.values()) {
    if (entry.name.endsWith(".alpha") && sizeOf(entry.shape) === 1 && /^(B?F16|F32|F64)$/.test(entry.dtype)) alphas.push((await readTensor(source, entry)).data[0]!);
  }
  const adapter = adapterMetadata.safeParse(metadata.get("lora_adapter_metadata")).data ?? {};
  for (const [key, value] of Object.entries(adapter)) if (key.endsWith(".lora_alpha") && typeof value === "number") alphas.push(value);
  return rising(alphas.filter(Number.isFinite));
}

const adapterMetadata = jsonString(z.record(z.string(), z.unknown()));

const suffix =
  /\.(lora_(down|up|mid)\.weight|lora_[AB](\.default)?\.weight|alpha|dora_scale|lora_magnitude_vector(\.weight)?|hada_[wt][12](_[ab])?|lokr_[wt][12](_[ab])?|oft_(blocks|diag)|(lora_linear_layer|to_(q|k|v|out)_lora|lora)\.(down|up)\.weight)$/;

const spellings: readonly { name: string; pattern: RegExp }[] = [
  { name: "kohya", pattern: /\.lora_down\.weight$/ },
  { name: "PEFT", pattern: /\.lora_A(\.default)?\.weight$/ },
  { name: "old diffusers", pattern: /(_lora|\.lora|\.lora_linear_layer)\.down\.weight$/ },
  { name: "DoRA", pattern: /\.(dora_scale|lora_magnitude_vector(\.weight)?)$/ },
  { name: "LoHa", pattern: /\.hada_w1_a$/ },
  { name: "LoKr", pattern: /\.lokr_w1(_a)?$/ },
  { name: "OFT", pattern: /\.oft_(blocks|diag)$/ },
];

function partsOf(tensors: Tensors): Part[] {
  return [...tensors.values()].flatMap((entry): Part[] => {
    const found = suffix.exec(entry.name);
    if (!found) return [];
    const end = found[0];
    const part = end === ".alpha" ? "alpha" : /(lora_down|lora_A|\.down)\b/.test(end) ? "down" : /(lora_up|lora_B|\.up)\b/.test(end) ? "up" : "other";
    return [{ module: entry.name.slice(0, -end.length), part, entry }];
  });
}

const networks: readonly { name: string; pattern: RegExp }[] = [
  { name: "text encoder 3", pattern: /^(lora_te3_|text_encoder_3\.)/ },
  { name: "text encoder 2", pattern: /^(lora_te2_|text_encoder_2\.)/ },
  { name: "text encoder", pattern: /^(lora_te1?_|text_encoder\.)/ },
  { name: "transformer", pattern: /^(lora_transformer_|transformer\.|(lora_unet|diffusion_model)[._](double|single|joint|transformer)_)/ },
  { name: "unet", pattern: /^(lora_unet_|unet\.)/ },
];

const networkOf = (name: string): string => networks.find(({ pattern }) => pattern.test(name))?.name ?? "other";

/** Cross-attention's keys read the text; a text encoder's own queries are as wide. */
function textWidthOf(parts: readonly Part[]): number | null {
  const widthAt = (module: RegExp): number | undefined => parts.find(({ part, module: name }) => part === "down" && module.test(name))?.entry.shape[1];
  return widthAt(/[._]attn2[._](processor[._])?to_k$/) ?? widthAt(/^(lora_te|text_encoder)[._].*self_attn[._]q_proj$/) ?? null;
}

/** Channels by level, where the first convolution of every level is changed. */
function channelsOf(parts: readonly Part[]): number[] | undefined {
  const channels: number[] = [];
  for (const { part, module, entry } of parts) {
    const level = /down_blocks[._](\d)[._]resnets[._]0[._]conv1$/.exec(module)?.[1];
    if (part === "up" && level !== undefined) channels[Number(level)] = entry.shape[0]!;
  }
  return channels.length > 0 && Object.keys(channels).length === channels.length ? channels : undefined;
}

const rising = (values: readonly number[]): number[] => [...new Set(values)].toSorted((a, b) => a - b);
