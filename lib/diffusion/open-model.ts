import { stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import { requireDiskFolder } from "#lib/weights/disk-folder.ts";
import type { Model } from "./model.ts";
import { openModelFolder } from "./model-folder.ts";
import { openSingleFile } from "./single-file.ts";

/**
 * Reads a model in whichever layout: a diffusers folder, or a single-file checkpoint.
 *
 * @param config  a diffusers folder that describes a single file's networks; null for what its family is published with
 * @throws file_not_found, unsupported_model, weights_mismatch, malformed_weights, bad_request
 */
export async function openModel(path: string, config: string | null = null): Promise<Model> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} does not exist; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory()) return openSingleFile(path, config === null ? null : await requireDiskFolder(config));
  if (config === null) return openModelFolder(await requireDiskFolder(path));
  throw new AppError("bad_request", `${path} is a folder and brings its own configs; leave --config out.`, { config });
}
