import { stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import type { Inspection } from "./inspection.ts";
import { type FileLook, lookIntoFile } from "./inspect-file.ts";

/**
 * Says what a file or folder is.
 *
 * @throws AppError for what cannot be read at all; what is merely not known is `unknown`
 */
export const inspectPath = async (path: string): Promise<Inspection> => (await lookInto(path)).inspection;

/** With the model that a single file holds, read on the way; null for a folder too. */
export async function lookInto(path: string): Promise<FileLook> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} does not exist or cannot be read; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory()) return lookIntoFile(path);
  const { inspectFolder } = await import("./inspect-folder.ts"); // with all that reads configs, which a file may not need
  return { inspection: await inspectFolder(path), model: null };
}
