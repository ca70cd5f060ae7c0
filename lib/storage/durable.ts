import { mkdir, open, rename, stat } from "node:fs/promises";
import { dirname } from "node:path";

/** Moves a file that is already on the disk to its place, in a way that a power cut does not undo. */
export async function moveDurably(from: string, to: string): Promise<void> {
  await makeFolder(dirname(to));
  await rename(from, to);
  await syncFolder(dirname(to));
}

/** Makes a folder with those above it; each new name is on the disk when this returns. `mode` is that of each. */
export async function makeFolder(path: string, mode = 0o777): Promise<void> {
  try {
    await mkdir(path, { mode }); // not recursive: that says ENOENT on a read-only disk
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "EEXIST" && (await stat(path)).isDirectory()) return;
    if (code !== "ENOENT") throw cause;
    await makeFolder(dirname(path), mode);
    return makeFolder(path, mode);
  }
  await syncFolder(dirname(path));
}

/** Puts the names in a folder on the disk. */
export async function syncFolder(path: string): Promise<void> {
  if (process.platform === "win32") return; // there a folder cannot be opened, and NTFS keeps its own journal
  const folder = await open(path);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
