import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { AppError } from "#lib/errors.ts";
import type { FoundFamily } from "#lib/families/found-family.ts";
import { within } from "#lib/families/names-within.ts";
import { recogniseSingleFile, UNET_PREFIX } from "#lib/families/single-file.ts";
import { unetShape } from "#lib/families/unet-shape.ts";
import { familyOf } from "#lib/inspection/family.ts";
import { type FileKind, recognise } from "#lib/inspection/kind.ts";
import { familyOfBases, lowRankShape } from "#lib/inspection/low-rank-shape.ts";
import { readHeader, type SafetensorsHeader } from "#lib/weights/safetensors.ts";
import { toCount } from "../_page/units.ts";
import type { ChosenFile } from "./dropped-files.ts";

export interface FileFacts {
  readonly path: string;
  readonly size: number;
  /** “unet (diffusers names): 7,446,852 parameters in 326 tensors, F16”; null for what is no weights file. */
  readonly what: string | null;
  /** Why it cannot be sent as it is; null where it can. */
  readonly problem: string | null;
  readonly weights: WeightsFacts | null;
}

/** What a header tells of a file, without its tensors: a thousand files are held at once. */
export interface WeightsFacts {
  readonly kind: FileKind;
  readonly form: string | null;
  readonly parameters: number;
  readonly tensors: number;
  readonly dtypes: readonly string[];
  /** “SD 1.x”, or a network in numbers. */
  readonly family: Pick<FoundFamily, "name" | "runs"> | null;
  /** What a base must have in common with it; null where its shapes do not tell. */
  readonly fit: { readonly channels: readonly number[] | null; readonly textWidth: number } | null;
  readonly lowRank: { readonly ranks: readonly number[]; readonly layers: Readonly<Record<string, number>> } | null;
  /** Of a single file: what its family needs beside, in words, and whether published configs describe it. */
  readonly checkpoint: { readonly missing: readonly string[]; readonly fitsConfigs: boolean } | null;
  readonly metadata: ReadonlyMap<string, string>;
}

const MAX_FILE_BYTES = 100e9;
const refused: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [
    /\.(ckpt|pt|pth|bin|pkl|pickle)$/i,
    "this kind of file may hold a Python pickle, and opening one can run code; save the model as .safetensors and choose that.",
  ],
  [/\.(onnx|pb|h5|keras|tflite)$/i, "this is a graph, and a graph is code; give the model's .safetensors files."],
  [/\.(zip|tar|gz|tgz|7z|rar|xz|zst)$/i, "this is an archive; unpack it and choose the folder."],
  [/\.(exe|dll|so|dylib|sh|bat|cmd|ps1)$/i, "this is a program, and programs are not stored here; leave it out."],
];

/** Reads the header of a file in the browser; no byte is sent. A worker of the hub reads every byte later, and has the last word. */
export async function readChosen({ path, file }: ChosenFile): Promise<FileFacts> {
  const plain = (problem: string | null): FileFacts => ({ path, size: file.size, what: null, problem, weights: null });
  try {
    parseNewPath(path);
    const rule = refused.find(([pattern]) => pattern.test(path));
    if (rule) return plain(`${path.split("/").at(-1)!}: ${rule[1]}`);
    if (file.size > MAX_FILE_BYTES)
      return plain(
        `It has ${(file.size / 1e9).toFixed(0)} GB, and 100 GB are the most that one file may have; split the model into shards.`,
      );
    if (!/\.safetensors$/i.test(path)) return plain(null);
    const header = await readHeader({
      name: path,
      size: file.size,
      read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()),
    });
    const weights = weightsOf(header);
    return {
      ...plain(null),
      what: `${weights.kind}${weights.form ? ` (${weights.form})` : ""}: ${amountOf(weights)}`,
      weights,
    };
  } catch (cause) {
    if (cause instanceof AppError) return plain(cause.message);
    return plain(
      `${path} could not be read (${(cause as Error).message}); see whether it is still there, and choose it again.`,
    );
  }
}

/** “7,446,852 parameters in 326 tensors, F16” */
export const amountOf = ({
  parameters,
  tensors,
  dtypes,
}: Pick<WeightsFacts, "parameters" | "tensors" | "dtypes">): string =>
  `${toCount(parameters)} ${parameters === 1 ? "parameter" : "parameters"} in ${toCount(tensors)} ${tensors === 1 ? "tensor" : "tensors"}${dtypes.length > 0 ? `, ${dtypes.join(", ")}` : ""}`;

/** What a checkpoint in one file is, and what its UNet has in common with a base. */
function checkpointOf(tensors: SafetensorsHeader["tensors"]): Pick<WeightsFacts, "family" | "fit" | "checkpoint"> {
  const file = recogniseSingleFile(tensors);
  const { channels, textWidths } = unetShape(within(tensors, UNET_PREFIX));
  return {
    family: file?.found ?? null,
    fit: channels && textWidths.length === 1 ? { channels, textWidth: textWidths[0]! } : null,
    checkpoint: file && { missing: file.missing, fitsConfigs: file.fitsConfigs },
  };
}

function weightsOf({ tensors, metadata }: SafetensorsHeader): WeightsFacts {
  const { kind, form } = recognise(tensors);
  const amount = {
    parameters: [...tensors.values()].reduce(
      (sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1),
      0,
    ),
    tensors: tensors.size,
    dtypes: [...new Set([...tensors.values()].map(({ dtype }) => dtype))],
  };
  const known = { kind, form, ...amount, metadata, lowRank: null, fit: null, checkpoint: null };
  if (kind === "low-rank fine-tune") {
    const { ranks, layers, bases, textWidth } = lowRankShape(tensors);
    return {
      ...known,
      family: familyOfBases(bases),
      lowRank: { ranks, layers },
      fit: textWidth === null ? null : { channels: null, textWidth },
    };
  }
  if (kind === "unet") {
    const { channels, textWidths } = unetShape(tensors);
    return {
      ...known,
      family: familyOf(tensors),
      fit: channels && textWidths.length === 1 ? { channels, textWidth: textWidths[0]! } : null,
    };
  }
  if (kind === "single-file checkpoint") return { ...known, ...checkpointOf(tensors) };
  return { ...known, family: familyOf(tensors) };
}
