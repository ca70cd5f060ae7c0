import { mkdir, rm, symlink } from "node:fs/promises";
import { dirname, join } from "node:path";
import { getBlob } from "#lib/catalog/blobs/service.ts";
import { readManifest } from "#lib/catalog/commits/service.ts";
import { blobFiles } from "./blob-files.ts";
import { ownFolder } from "./own-folder.ts";

export interface CommitFolder {
  readonly folder: string;
  /** Gives the blobs back; the last who closes it removes the folder. */
  close(): Promise<void>;
}

/** How much of a commit is laid out: all that networks read, the small files that describe them, or the UNet. */
export type FolderPart = "whole" | "settings" | "unet";

/**
 * A commit as a folder of links to its blobs:
 *
 *   <data>/cache/folders/<host>-<pid>/<part>/<commit>/<name>/unet/config.json → the blob's own file
 *
 * The path is the same for as long as this process lives, so that an inference child can be known by it, and is no other process's.
 * A blob that is linked is not evicted. Files that nothing here reads are links to nowhere: only their names are there.
 */
export async function openCommitFolder(
  commitId: string,
  name: string,
  part: FolderPart = "whole",
): Promise<CommitFolder> {
  const folder = join(await ownFolder("folders"), part, commitId, name);
  const open = folders.get(folder) ?? { users: 0, laid: layOut(commitId, folder, part) };
  folders.set(folder, open);
  open.users++;
  const close = async (): Promise<void> => {
    if (--open.users > 0) return;
    folders.delete(folder);
    const removed = open.laid
      .then(
        (release) => release(),
        () => {},
      )
      .then(() => rm(folder, { recursive: true, force: true }).catch(() => {})); // what stays goes with the next start
    leaving.set(folder, removed);
    await removed;
    if (leaving.get(folder) === removed) leaving.delete(folder);
  };
  try {
    await open.laid;
    return { folder, close: once(close) };
  } catch (failure) {
    await close();
    throw failure;
  }
}

/** A commit as a folder for as long as `work` takes. */
export async function withCommitFolder<T>(
  commitId: string,
  name: string,
  work: (folder: string) => Promise<T>,
  part: FolderPart = "whole",
): Promise<T> {
  const { folder, close } = await openCommitFolder(commitId, name, part);
  try {
    return await work(folder);
  } finally {
    await close();
  }
}

interface OpenFolder {
  users: number;
  /** Gives all its blobs back. */
  readonly laid: Promise<() => void>;
}

const folders = new Map<string, OpenFolder>();
/** Folders that are being removed: whoever wants one again waits. */
const leaving = new Map<string, Promise<void>>();

async function layOut(commitId: string, folder: string, part: FolderPart): Promise<() => void> {
  await leaving.get(folder);
  const releases: (() => void)[] = [];
  const release = (): void => releases.forEach((each) => each());
  try {
    await rm(folder, { recursive: true, force: true });
    await mkdir(folder, { recursive: true });
    const manifest = await readManifest(commitId);
    const isModel = manifest.some(({ path }) => path === "model_index.json");
    for (const { path, sha256 } of manifest) {
      const link = join(folder, path);
      await mkdir(dirname(link), { recursive: true });
      if (!isRead(path, part, isModel)) {
        await symlink("not-laid-out", link);
        continue;
      }
      const file = await blobFiles().path(await getBlob(sha256));
      releases.push(file.release);
      await symlink(file.path, link);
    }
    return release;
  } catch (failure) {
    release();
    throw failure;
  }
}

/** A model may have gigabytes beside it that nothing reads: other formats, and itself in one file at the top. */
function isRead(path: string, part: FolderPart, isModel: boolean): boolean {
  const isSetting = /\.(json|txt)$/.test(path);
  if (part === "settings" || isSetting) return isSetting;
  if (!path.endsWith(".safetensors")) return false;
  if (!isModel) return part === "whole" || !path.includes("/"); // a single file holds its UNet with all the rest
  return part === "unet" ? path.startsWith("unet/") : path.includes("/");
}

function once(work: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => (done ??= work());
}
