import type { GuideConfig } from "#lib/diffusion/guide-config.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import type { Dtype } from "#lib/tensor/dtype.ts";
import type { SafetensorsHeader } from "#lib/weights/safetensors.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import type { EvaluatorFacts } from "./evaluator-facts.ts";
import type { Kind } from "./kind.ts";
import type { LowRankFacts } from "./low-rank-facts.ts";
import type { Prediction } from "./prediction.ts";

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

/** What a file or folder is, told from its tensors. Every key is always there. */
export interface Inspection extends Amount {
  readonly name: string;
  readonly kind: Kind;
  /** In which of its kind's spellings or classes it comes, such as "kohya" or "StableDiffusionPipeline". */
  readonly form: string | null;
  readonly family: string | null;
  /** Null where nothing says what the network predicts, or where the question makes no sense. */
  readonly prediction: Prediction | null;
  readonly parts: readonly Part[];
  readonly lowRank: LowRankFacts | null;
  readonly guide: GuideConfig | null;
  readonly evaluator: EvaluatorFacts | null;
  /** [B, C, H, W] */
  readonly latents: readonly number[] | null;
  /** Whether the weights are those that the config calls for; null where no config was read or nothing here builds what it describes. */
  readonly weightsFitConfig: boolean | null;
  /** Whether a command takes it as it is. */
  readonly runs: boolean;
  /** What would run it, or why nothing does and what to do. */
  readonly whatRuns: string;
  readonly problems: readonly string[];
  readonly metadata: Metadata;
}

/** An inspection that found nothing; in JSON the keys keep this order. */
export const blank: Inspection = {
  name: "",
  kind: "unknown",
  form: null,
  family: null,
  tensors: 0,
  parameters: 0,
  dtypes: [],
  prediction: null,
  parts: [],
  lowRank: null,
  guide: null,
  evaluator: null,
  latents: null,
  weightsFitConfig: null,
  runs: false,
  whatRuns: "",
  problems: [],
  metadata: {},
};

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

/** The tensors whose names begin with `prefix`, under the rest of their names. */
export const within = (tensors: Tensors, prefix: string): Tensors =>
  new Map(
    [...tensors].filter(([name]) => name.startsWith(prefix)).map(([name, entry]) => [name.slice(prefix.length), entry]),
  );
