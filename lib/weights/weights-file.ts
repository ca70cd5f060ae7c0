import { basename } from "node:path";
import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { type FileSource, openFile } from "./byte-source.ts";
import { type Folder, readJsonIn } from "./folder.ts";
import { weightsChoices } from "./weights-choices.ts";
import { readHeader } from "./safetensors.ts";
import type { WeightsFile } from "./weight-map.ts";

/** `name` is how messages name the file. */
export const readWeightsFile = async (path: string, name = basename(path)): Promise<WeightsFile> =>
  readAndClose(await openFile(path, name));

async function readAndClose(source: FileSource): Promise<WeightsFile> {
  try {
    return { name: source.name, path: source.path, header: await readHeader(source) };
  } finally {
    await source.close();
  }
}

/** That of a thousand-shard model is below 1 MB. */
const MOST_INDEX_BYTES = 16 * 2 ** 20;
const indexJson = z.looseObject({
  weight_map: z.record(
    z.string(),
    z.string().regex(/^[\w.-]+\.safetensors$/, "must name a .safetensors file beside the index"),
  ),
});

/**
 * The weights of one component of a diffusers folder: `stem.safetensors`, or the shards that `stem.safetensors.index.json`
 * lists, or a variant of either, such as half precision; the first of which all files are there.
 */
export async function readComponentWeights(folder: Folder, stem: string): Promise<WeightsFile[]> {
  const shown = folder.name;
  const present = new Set(await folder.names());
  let lacking: AppError | null = null;
  for (const choice of weightsChoices(present, stem)) {
    const names = choice.isIndex ? await readIndex(folder, choice.name) : [choice.name];
    const missing = names.find((name) => !present.has(name));
    if (missing === undefined) return readShards(folder, names);
    lacking ??= new AppError(
      "file_not_found",
      `${shown} lacks ${missing}, one of the ${names.length} parts its index lists; download it too.`,
      { missing },
    );
  }
  if (lacking) throw lacking;
  const pickle = [...present].find((name) => /\.(bin|ckpt|pt|pth)$/.test(name));
  if (pickle)
    throw new AppError(
      "unsupported_model",
      `${shown} has its weights in ${pickle}, a pickle, which can run code; save the model with safe_serialization=True and give that folder.`,
    );
  throw new AppError(
    "file_not_found",
    `${shown} has no ${stem}.safetensors; give a diffusers folder with its weights.`,
  );
}

/** As many as one file may have: what is split is no larger. Each may be the same few bytes again, so they are counted as they come. */
const MAX_TENSORS = 100_000;

async function readShards(folder: Folder, names: readonly string[]): Promise<WeightsFile[]> {
  const files: WeightsFile[] = [];
  let count = 0;
  for (const name of names) {
    const file = await readAndClose(await folder.open(name));
    count += file.header.tensors.size;
    if (count > MAX_TENSORS)
      throw new AppError(
        "unsupported_model",
        `${folder.name} has more than ${MAX_TENSORS} tensors in its ${names.length} parts, more than is read; give the model as it was published.`,
        { max: MAX_TENSORS },
      );
    files.push(file);
  }
  return files;
}

/** The shards that an index lists, sorted. */
async function readIndex(folder: Folder, index: string): Promise<string[]> {
  const parsed = indexJson.safeParse(await readJsonIn(folder, index, MOST_INDEX_BYTES));
  if (!parsed.success)
    throw new AppError(
      "malformed_weights",
      `${folder.name}/${index}: ${parsed.error.issues[0]!.message}; download the folder again.`,
    );
  return [...new Set(Object.values(parsed.data.weight_map))].toSorted();
}
