import { readdir, stat } from "node:fs/promises";
import { join, relative } from "node:path";
import { AppError } from "#lib/errors.ts";
import { sha256OfFile } from "#lib/util/sha256.ts";

/** A file of weights on this machine. */
export interface LocalFile {
  /** From the folder that was asked about. */
  readonly path: string;
  readonly sha256: string;
}

const isWeights = (path: string): boolean => /\.(?:safetensors|ckpt|pt|pth|bin|gguf)$/i.test(path);

/** A file, or all files of weights below a folder, by their paths; each is read whole. @throws file_not_found */
export async function* hashedFiles(place: string): AsyncGenerator<LocalFile & { readonly of: number }> {
  const paths = await weightsBelow(place);
  for (const path of paths)
    yield { path: relative(place, path) || path, sha256: await sha256OfFile(path), of: paths.length };
}

async function weightsBelow(place: string): Promise<string[]> {
  const facts = await stat(place).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${place} does not exist; check the path.`, { path: place }, cause);
  });
  if (facts.isFile()) return [place];
  const entries = await readdir(place, { recursive: true, withFileTypes: true });
  return entries
    .filter((entry) => entry.isFile() && isWeights(entry.name))
    .map((entry) => join(entry.parentPath, entry.name))
    .toSorted();
}
