import { sizeOf } from "#lib/tensor/tensor.ts";
import type { Dtype } from "#lib/tensor/dtype.ts";
import type { SafetensorsHeader } from "#lib/weights/safetensors.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";

export type Tensors = SafetensorsHeader["tensors"];

/** How many numbers some tensors hold, buffers included, and in which types. */
export interface Amount {
  readonly tensors: number;
  readonly parameters: number;
  /** Most first; the shares of all parameters add up to 1. */
  readonly dtypes: readonly { readonly dtype: Dtype; readonly parameters: number; readonly share: number }[];
}

/** A network within a folder or a file. */
export interface Part extends Amount {
  readonly name: string;
  readonly family: string | null;
  /** Why its tensors could not be read; null where they could. */
  readonly problem: string | null;
  /** Of its own files; empty for a network within a file. */
  readonly metadata: Metadata;
}

/** By key: text of strangers. */
export type Metadata = Readonly<Record<string, string>>;

export function amountOf(tensors: Tensors): Amount {
  const byDtype = new Map<Dtype, number>();
  for (const { dtype, shape } of tensors.values()) byDtype.set(dtype, (byDtype.get(dtype) ?? 0) + sizeOf(shape));
  const parameters = byDtype.values().reduce((sum, count) => sum + count, 0);
  const dtypes = [...byDtype]
    .map(([dtype, count]) => ({ dtype, parameters: count, share: parameters === 0 ? 0 : count / parameters }))
    .toSorted((a, b) => b.parameters - a.parameters || (a.dtype < b.dtype ? -1 : 1));
  return { tensors: tensors.size, parameters, dtypes };
}

export function partOf(
  name: string,
  tensors: Tensors,
  found: Partial<Pick<Part, "family" | "problem" | "metadata">> = {},
): Part {
  return { name, family: null, problem: null, ...amountOf(tensors), metadata: {}, ...found };
}

/** The tensors of a network whose weights may be spread over several files. */
export const mergedTensors = (files: readonly WeightsFile[]): Tensors =>
  new Map(files.flatMap(({ header }) => [...header.tensors]));

export const mergedMetadata = (files: readonly WeightsFile[]): Metadata =>
  sortedMetadata(new Map(files.flatMap(({ header }) => [...header.metadata])));

export const sortedMetadata = (metadata: Iterable<[string, string]>): Metadata =>
  Object.fromEntries([...metadata].toSorted(([a], [b]) => (a < b ? -1 : 1)));
