import { type AdapterName, adapterName, type Algorithm, type ForeignNetwork } from "#lib/weights/adapters/names.ts";
import type { TensorEntry } from "#lib/weights/safetensors.ts";
import type { Tensors } from "./facts.ts";

/** A tensor of a low-rank file with what its name says, by the table that decides what runs. */
export interface LowRankPart extends AdapterName {
  readonly entry: TensorEntry;
}

export const isLowRankTensor = (name: string): boolean => adapterName(name) !== null;

export const lowRankParts = (tensors: Tensors): LowRankPart[] =>
  [...tensors.values()].flatMap((entry): LowRankPart[] => {
    const found = adapterName(entry.name);
    return found ? [{ ...found, entry }] : [];
  });

/** Who writes names of this kind, and which algorithms beside plain LoRA; several where a file mixes them. */
export function spellingOf(tensors: Tensors): string | null {
  const parts = lowRankParts(tensors);
  const written = spellings.filter((spelling) => parts.some((part) => part.spelling === spelling));
  const algorithms = new Set<Algorithm>(parts.map(({ algorithm }) => algorithm));
  algorithms.delete("LoRA");
  return [...written, ...algorithms].join(", ") || null;
}

const spellings = ["kohya", "PEFT", "diffusers"] as const;

/** Which network a module or tensor is in, as people call it. */
export const networkOf = (tensor: string): string => networkNames[adapterName(tensor)?.network ?? "other"];

export const networkNames: Readonly<Record<ForeignNetwork, string>> = {
  unet: "unet",
  textEncoder: "text encoder",
  textEncoder2: "text encoder 2",
  textEncoder3: "text encoder 3",
  transformer: "transformer",
  other: "other",
};
