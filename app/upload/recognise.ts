import { parsePath, requireDistinct } from "#lib/catalog/files/path.ts";
import { AppError } from "#lib/errors.ts";
import { recognise as recogniseTensors } from "#lib/inspection/kind.ts";
import { readHeader } from "#lib/weights/safetensors.ts";
import type { Chosen, ChosenFile } from "./dropped-files.ts";

export interface FileFacts {
  readonly path: string;
  readonly size: number;
  /** «guide, 73,916 parameters in 103 tensors, F32»; null for what is no weights file. */
  readonly what: string | null;
  /** Why it cannot be sent as it is; null where it can. */
  readonly problem: string | null;
}

export interface Recognised {
  readonly files: readonly FileFacts[];
  /** What all of it is, in a sentence. */
  readonly sentence: string;
  /** The kind of repo that it belongs in; null where nothing says. */
  readonly kind: "finetune" | "guide" | null;
  /** sha256 of the base weights that a guide names. */
  readonly guideBase: string | null;
  /** Of the whole: two names that cannot lie side by side. */
  readonly problem: string | null;
}

const MAX_FILE_BYTES = 100e9;
const refused: readonly (readonly [pattern: RegExp, sentence: string])[] = [
  [/\.(ckpt|pt|pth|bin|pkl|pickle)$/i, "this kind of file may hold a Python pickle, and opening one can run code; save the model as .safetensors and drop that."],
  [/\.(onnx|pb|h5|keras|tflite)$/i, "this is a graph, and a graph is code; give the model's .safetensors files."],
  [/\.(zip|tar|gz|tgz|7z|rar|xz|zst)$/i, "this is an archive; unpack it and drop the folder."],
  [/\.(exe|dll|so|dylib|sh|bat|cmd|ps1)$/i, "this is a program, and programs are not stored here; leave it out."],
];

/** Reads headers in the browser, no byte is sent: what the files are, and what is wrong with them. A worker reads every byte later. */
export async function recognise({ name, files }: Chosen): Promise<Recognised> {
  const known = await Promise.all(files.map(factsOf));
  const weights = known.filter(({ tensors }) => tensors !== null);
  const isFolder = files.some(({ path }) => path === "model_index.json");
  const main = isFolder ? null : weights.find(({ kind }) => kind === "guide" || kind === "low-rank fine-tune") ?? weights[0];
  return {
    files: known.map(({ facts }) => facts),
    sentence: sentenceOf(name, isFolder, weights.length, main?.facts.what ?? null, files.length),
    kind: isFolder || main?.kind === "low-rank fine-tune" ? "finetune" : main?.kind === "guide" ? "guide" : null,
    guideBase: main?.kind === "guide" ? (main.metadata.get("base.sha256") ?? null) : null,
    problem: distinctProblem(files),
  };
}

interface Known {
  readonly facts: FileFacts;
  readonly kind: string | null;
  readonly tensors: number | null;
  readonly metadata: ReadonlyMap<string, string>;
}

async function factsOf({ path, file }: ChosenFile): Promise<Known> {
  const plain = (problem: string | null): Known => ({ facts: { path, size: file.size, what: null, problem }, kind: null, tensors: null, metadata: new Map() });
  try {
    parsePath(path);
    const rule = refused.find(([pattern]) => pattern.test(path));
    if (rule) return plain(`${path.split("/").at(-1)!}: ${rule[1]}`);
    if (file.size > MAX_FILE_BYTES) return plain(`It has ${(file.size / 1e9).toFixed(0)} GB, and 100 GB are the most that one file may have.`);
    if (!/\.safetensors$/i.test(path)) return plain(null);
    const { tensors, metadata } = await readHeader({ name: path, size: file.size, read: async (begin, end) => new Uint8Array(await file.slice(begin, end).arrayBuffer()) });
    const { kind, form } = recogniseTensors(tensors);
    const parameters = [...tensors.values()].reduce((sum, { shape }) => sum + shape.reduce((product, dim) => product * dim, 1), 0);
    const dtypes = [...new Set([...tensors.values()].map(({ dtype }) => dtype))].join(", ");
    const what = `${kind}${form ? ` (${form})` : ""}: ${parameters.toLocaleString("en")} parameters in ${tensors.size.toLocaleString("en")} tensors, ${dtypes}`;
    return { facts: { path, size: file.size, what, problem: null }, kind, tensors: tensors.size, metadata };
  } catch (cause) {
    if (cause instanceof AppError) return plain(cause.message);
    return plain(`${path} could not be read (${(cause as Error).message}); see whether it is still there, and choose it again.`);
  }
}

function sentenceOf(name: string, isFolder: boolean, weights: number, main: string | null, files: number): string {
  if (isFolder) return `${name || "This"} is a model in the diffusers layout with ${weights} weights files.`;
  if (main) return `${name || "This"} is a ${main}.`;
  return files === 0 ? "There was no file in it." : `There are no weights in ${files === 1 ? "this file" : `these ${files} files`}; nothing here would run it.`;
}

function distinctProblem(files: readonly ChosenFile[]): string | null {
  try {
    requireDistinct(files.map(({ path }) => path));
    return null;
  } catch (cause) {
    if (cause instanceof AppError) return cause.message;
    throw cause;
  }
}
