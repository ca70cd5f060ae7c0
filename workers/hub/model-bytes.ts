import { readdir, realpath, stat } from "node:fs/promises";
import { join } from "node:path";
import { PROCESS_BYTES } from "#lib/diffusion/needs.ts";
import { sizeOf } from "#lib/tensor/tensor.ts";
import { readWeightsFile } from "#lib/weights/weights-file.ts";
import type { Job } from "#workers/inference/messages.ts";

/** What a child will hold for a job, before it has said so itself: every element of its weights in single precision, whatever the file has. */
export async function estimateBytes(job: Job): Promise<number> {
  if (!("choice" in job)) return PROCESS_BYTES; // one tensor at a time
  const { lowRank, guide } = job.choice;
  const weights = [
    ...(await filesOf(job.choice)).filter((path) => path.endsWith(".safetensors")),
    ...lowRank.map(({ path }) => path),
    ...(guide === null ? [] : [guide]),
  ];
  const sizes = await Promise.all(weights.map(singlePrecisionBytes));
  return sizes.reduce((sum, size) => sum + size, PROCESS_BYTES);
}

async function singlePrecisionBytes(path: string): Promise<number> {
  const file = await readWeightsFile(path).catch(() => null); // the child will say what is wrong with it
  return file === null ? 0 : [...file.header.tensors.values()].reduce((sum, { shape }) => sum + 4 * sizeOf(shape), 0);
}

/** The same for two jobs that one child can do without opening a model again, except at another size: the files behind all links. */
export async function modelKey({ choice, runtime }: Extract<Job, { type: "sample" }>): Promise<string> {
  const { lowRank } = choice;
  const files = (await filesOf(choice)).toSorted();
  const behind = await Promise.all(
    [...files, ...lowRank.map(({ path }) => path)].map((path) => realpath(path).catch(() => path)),
  );
  return JSON.stringify([runtime, behind, lowRank.map(({ strength }) => strength)]);
}

/** A single file with the configs beside it, or all files of a folder. */
async function filesOf({ model, config }: Extract<Job, { type: "sample" }>["choice"]): Promise<string[]> {
  if ((await stat(model).catch(() => null))?.isDirectory() !== false) return filesIn(model);
  const beside = config ? await filesIn(config) : [];
  return [model, ...beside.filter((path) => path !== model && !path.endsWith(".safetensors"))];
}

async function filesIn(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries.filter((entry) => !entry.isDirectory()).map((entry) => join(entry.parentPath, entry.name));
}
