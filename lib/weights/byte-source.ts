import { open, realpath, stat } from "node:fs/promises";
import { basename } from "node:path";
import { AppError } from "#lib/errors.ts";

/** Bytes that are read in ranges, wherever they lie. */
export interface ByteSource {
  /** How messages name it. */
  readonly name: string;
  readonly size: number;
  /** The bytes begin … end − 1, in memory of their own. A range that is not within 0 … size is refused. */
  read(begin: number, end: number): Promise<Uint8Array>;
}

export interface FileSource extends ByteSource {
  /** Absolute, with symbolic links resolved. */
  readonly path: string;
  close(): Promise<void>;
}

/** Opens a regular file; `name` is how messages name what is in it. */
export async function openFile(given: string, name = basename(given)): Promise<FileSource> {
  const path = await realpath(given).catch(cannotOpen(given));
  const facts = await stat(path).catch(cannotOpen(given));
  // Checked before opening, since opening a pipe waits for whoever writes to it.
  if (!facts.isFile())
    throw new AppError(
      "bad_request",
      `${given} is ${facts.isDirectory() ? "a folder" : "not a regular file"}; give a file.`,
      { path: given },
    );
  const handle = await open(path).catch(cannotOpen(given));
  const { size } = facts;

  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    requireRange({ name, size }, begin, end);
    const bytes = new Uint8Array(end - begin);
    let done = 0;
    while (done < bytes.length) {
      const { bytesRead } = await handle.read(bytes, done, Math.min(bytes.length - done, MAX_READ), begin + done);
      if (bytesRead === 0) {
        throw new AppError(
          "malformed_weights",
          `${name} shrank from ${size} to ${begin + done} bytes while it was read; wait until nothing writes to it, then try again.`,
          {
            expected: size,
            actual: begin + done,
          },
        );
      }
      done += bytesRead;
    }
    return bytes;
  };
  return { name, size, path, read, close: () => handle.close() };
}

export function memorySource(bytes: Uint8Array, name: string): ByteSource {
  const size = bytes.length;
  const read = async (begin: number, end: number): Promise<Uint8Array> => {
    requireRange({ name, size }, begin, end);
    return new Uint8Array(bytes.subarray(begin, end));
  };
  return { name, size, read };
}

const MAX_READ = 2 ** 30; // one read of Node takes a length below 2³¹

function requireRange({ name, size }: { name: string; size: number }, begin: number, end: number): void {
  if (Number.isSafeInteger(begin) && Number.isSafeInteger(end) && begin >= 0 && begin <= end && end <= size) return;
  throw new AppError(
    "malformed_weights",
    `${name}: the bytes ${begin} to ${end} are not within its ${size} bytes; get the file again.`,
    { begin, end, size },
  );
}

const cannotOpen =
  (path: string) =>
  (cause: NodeJS.ErrnoException): never => {
    if (cause.code === "ENOENT" || cause.code === "ENOTDIR")
      throw new AppError("file_not_found", `${path} does not exist; check the path.`, { path }, cause);
    throw new AppError(
      "bad_request",
      `${path} cannot be opened (${cause.code ?? cause.message}); check the path and its permissions.`,
      { path },
      cause,
    );
  };
