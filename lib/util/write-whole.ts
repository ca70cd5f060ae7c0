import { randomUUID } from "node:crypto";
import type { Stats } from "node:fs";
import { access, constants, type FileHandle, lstat, open, readlink, rename, rm, stat } from "node:fs/promises";
import { dirname, join, resolve } from "node:path";
import { AppError } from "#lib/errors.ts";

/** The bytes of a file, or what writes them piece by piece. */
export type Content = Uint8Array | ((file: FileHandle) => Promise<void>);

/**
 * Writes a file so that nobody ever sees half of it: beside its place, onto the disk, then under its name. Only a
 * regular file or a new name is replaced so. A symbolic link stays, and what it leads to is replaced; a device and a
 * pipe stay, and the bytes go through them (a pipe waits for its reader). A file that was there keeps its permissions.
 *
 * @throws bad_request as `requireReplaceable` does; what the disk refuses comes as Node's own error
 */
export async function writeWhole(path: string, content: Content): Promise<void> {
  const place = await requireReplaceable(path);
  if (place.kind === "stream") return fill(await open(path, constants.O_WRONLY), content);
  const unfinished = join(dirname(place.path), `.${randomUUID()}.unfinished`);
  try {
    const file = await open(unfinished, "wx");
    await fill(file, content, async () => {
      if (place.facts) await keepOwnership(file, place.facts);
      await file.sync();
    });
    await rename(unfinished, place.path);
  } catch (cause) {
    await rm(unfinished, { force: true });
    throw cause;
  }
}

/** Where bytes for a path go: a file to be replaced or made, or a device or pipe to be written through. */
export type Place =
  | { readonly kind: "file"; readonly path: string; readonly facts: Stats | null }
  | { readonly kind: "stream" };

/**
 * @throws bad_request where a folder, a disk, a socket or a read-only file stands there, or a link leads round in a
 * circle
 */
export async function requireReplaceable(path: string): Promise<Place> {
  const facts = await stat(path).catch(absent);
  if (facts === null) return { kind: "file", path: await endOfLinks(path), facts };
  if (facts.isDirectory()) throw refused(path, "is a folder; name a file to write");
  if (facts.isSocket()) throw refused(path, "is a socket, which takes no file; name a file to write");
  if (facts.isBlockDevice()) throw refused(path, "is a disk, and would lose what is on it; name a file to write");
  if (!facts.isFile()) {
    await access(path, constants.W_OK).catch((cause: unknown) => {
      throw refused(path, "may not be written to; name a file to write", cause);
    });
    return { kind: "stream" };
  }
  // Nobody's write bit is set: even root, whom the system would let, is asked first.
  const isReadOnly =
    (facts.mode & 0o222) === 0 ||
    (await access(path, constants.W_OK).then(
      () => false,
      () => true,
    ));
  if (isReadOnly) throw refused(path, "is read-only; make it writable or name another file");
  return { kind: "file", path: await endOfLinks(path), facts };
}

const absent = (cause: NodeJS.ErrnoException): null => {
  if (cause.code === "ENOENT" || cause.code === "ENOTDIR" || cause.code === "ELOOP") return null;
  throw cause;
};

const MAX_LINKS = 40; // as many as Linux follows

/** The name at the end of a chain of symbolic links, where there may be no file yet. */
async function endOfLinks(path: string): Promise<string> {
  let end = resolve(path);
  for (let followed = 0; followed <= MAX_LINKS; followed++) {
    if (!(await lstat(end).catch(absent))?.isSymbolicLink()) return end;
    end = resolve(dirname(end), await readlink(end));
  }
  throw refused(path, "is a link that leads round in a circle; name a file to write");
}

async function fill(file: FileHandle, content: Content, done = async (): Promise<void> => {}): Promise<void> {
  try {
    if (typeof content === "function") await content(file);
    else await file.writeFile(content);
    await done();
  } finally {
    await file.close();
  }
}

async function keepOwnership(file: FileHandle, { uid, gid, mode }: Stats): Promise<void> {
  await file.chown(uid, gid).catch(() => {}); // only root gives files away
  await file.chmod(mode & 0o7777);
}

const refused = (path: string, what: string, cause?: unknown): AppError =>
  new AppError("bad_request", `${path} ${what}.`, { path }, cause);
