import { readdir, realpath, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { AppError } from "#lib/errors.ts";
import { openFile } from "./byte-source.ts";
import type { Folder } from "./folder.ts";

/** A folder on a disk. `name` is how messages name it. */
export const diskFolder = (path: string, name = basename(path)): Folder => ({
  name,
  locate: (file) => join(path, file),
  folder: (inside) => diskFolder(join(path, inside), `${name}/${inside}`),
  names: () => readdir(path).catch(noneOf(name)),
  open: (file) => openFile(join(path, file), `${name}/${file}`),
});

/** No folder holds no files; of one that may not be read nothing is known. */
const noneOf =
  (name: string) =>
  (cause: NodeJS.ErrnoException): never[] => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR") return [];
    const sentence = `The folder ${name} cannot be opened (${cause.code ?? cause.message}); check its permissions.`;
    throw new AppError("bad_request", sentence, { name }, cause);
  };

/** A folder that must be there, with symbolic links resolved: the runtime refuses links that leave its root. */
export async function requireDiskFolder(path: string): Promise<Folder> {
  const facts = await stat(path).catch((cause: unknown) => {
    throw new AppError("file_not_found", `There is no folder ${path}; check the path.`, { path }, cause);
  });
  if (!facts.isDirectory()) throw new AppError("bad_request", `${basename(path)} is a file; give a folder.`, { path });
  return diskFolder(await realpath(path));
}
