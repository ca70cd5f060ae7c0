import { sizeOf } from "#lib/tensor/tensor.ts";
import { adaptedNetworks, adapterName } from "#lib/weights/adapters/names.ts";
import { headerSettings } from "#lib/weights/adapters/settings.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { isFloat, readIntegers, readTensor } from "#lib/weights/read-tensor.ts";
import type { SafetensorsHeader, TensorEntry } from "#lib/weights/safetensors.ts";
import type { WeightsFile } from "#lib/weights/weight-map.ts";
import { type Accelerator, acceleratorOf } from "./accelerator.ts";
import { type LowRankShape, lowRankShape, rising } from "./low-rank-shape.ts";
import { type Trigger, triggersOfMetadata, unique } from "./trigger-words.ts";

export interface LowRankFacts extends LowRankShape {
  /** The alphas that occur, rising; empty where none is recorded, and the rank stands for it. */
  readonly alphas: readonly number[];
  readonly triggers: readonly Trigger[];
  /** Null for all but adapters that shorten sampling. */
  readonly accelerator: Accelerator | null;
}

/** What was read of a low-rank file beside its header. */
export interface LowRankValues {
  readonly alphas: readonly number[];
  /** From files beside it. */
  readonly triggers: readonly Trigger[];
}

export function lowRankFacts({ name, header }: WeightsFile, { alphas, triggers }: LowRankValues): LowRankFacts {
  const { layers, ranks, textWidth, bases } = lowRankShape(header.tensors);
  return {
    layers,
    ranks,
    alphas: rising(alphas),
    textWidth,
    bases,
    triggers: unique([...triggers, ...triggersOfMetadata(header.metadata)]),
    accelerator: acceleratorOf(header.metadata, name),
  };
}

/** kohya keeps each alpha as a tensor of one number; diffusers notes PEFT's in the metadata. */
export async function readAlphas(source: ByteSource, { tensors, metadata }: SafetensorsHeader): Promise<number[]> {
  const alphas: number[] = [];
  for (const entry of tensors.values()) {
    if (isAlpha(entry)) alphas.push((await (isFloat(entry.dtype) ? readTensor : readIntegers)(source, entry)).data[0]!);
  }
  return [...alphas, ...alphasOfHeader(metadata, source.name)].filter(Number.isFinite);
}

/** Of every network and pattern; settings that are not read here say nothing, and whoever adds the layers says why. */
function alphasOfHeader(metadata: ReadonlyMap<string, string>, file: string): number[] {
  try {
    const settings = headerSettings(metadata, file);
    return adaptedNetworks.flatMap((network) => {
      const own = settings[network];
      return own ? [own.alpha, ...own.alphaPatterns.map(([, alpha]) => alpha)] : [];
    });
  } catch {
    return [];
  }
}

const isAlpha = ({ name, shape, dtype }: TensorEntry): boolean =>
  adapterName(name)?.part === "alpha" && sizeOf(shape) === 1 && (isFloat(dtype) || /^I(32|64)$/.test(dtype));
