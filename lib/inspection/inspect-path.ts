import { stat } from "node:fs/promises";
import { AppError } from "#lib/errors.ts";
import type { Inspection } from "./inspection.ts";
import { inspectFile } from "./inspect-file.ts";
import { inspectFolder } from "./inspect-folder.ts";

/** Says what a file or folder is. @throws AppError for what cannot be read at all; what is merely not known is `unknown` */
export async function inspectPath(path: string): Promise<Inspection> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `${path} does not exist or cannot be read; check the path.`, { path }, cause);
  });
  return facts.isDirectory() ? inspectFolder(path) : inspectFile(path);
}
