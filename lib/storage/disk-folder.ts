import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { AppError } from "#lib/errors.ts";
import { makeFolder } from "./durable.ts";
import { requireObjectKey } from "./keys.ts";

const LOW_WATER_BYTES = 200e6; // PostgreSQL may write on the same disk, and stops when it cannot
const LOW_WATER_SHARE = 0.01;

/**
 * The folder of the disk store. Everything arrives under another name and is moved to its own when it is whole and on the disk, so
 * that a reader, or a start after a crash, sees all of it or nothing.
 *
 *   9f/04/6b1c…e2                          an object
 *   uploads/9f046b1c…e2-0199…7d/           an upload in parts: the object's key, and the store's id of the upload
 *     00001                                a part that has arrived whole
 *     5d0f….new                            a part on its way, or the object while it is put together
 *   uploads/41c0….new                      a small object on its way
 *   uploads/8e21….ended/                   an upload that has ended, until it is removed
 */
export class DiskFolder {
  readonly path: string;
  readonly uploads: string;

  constructor(path: string) {
    this.path = path;
    this.uploads = join(path, "uploads");
  }

  objectPath(key: string): string {
    requireObjectKey(key);
    return join(this.path, key);
  }

  uploadPath(key: string, storageId: string): string {
    requireObjectKey(key);
    if (!/^[0-9a-f]{32}$/.test(storageId)) throw new Error(`${JSON.stringify(storageId)} is not the id of an upload.`);
    return join(this.uploads, `${key.replaceAll("/", "")}-${storageId}`);
  }

  /** @throws disk_full when the disk would not have enough left after so many bytes more; what is there can still be read */
  async requireRoom(bytes: number): Promise<void> {
    await makeFolder(this.path);
    const { bavail, blocks, bsize } = await statfs(this.path);
    if (bavail * bsize - bytes < Math.max(LOW_WATER_BYTES, blocks * bsize * LOW_WATER_SHARE)) throw this.#full();
  }

  /** Runs `work`, and says in our words what the file system says when it cannot. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw this.#toFailure(cause);
    }
  }

  #toFailure(cause: unknown): unknown {
    const code = (cause as NodeJS.ErrnoException | null)?.code;
    const unavailable = (what: string): AppError => new AppError("storage_unavailable", what, { folder: this.path, said: code }, cause);
    switch (code) {
      case "ENOSPC":
      case "EDQUOT":
        return this.#full(cause);
      case "EROFS":
        return unavailable(`${this.path} is on a read-only disk; point GUIDEPOST_DATA at a folder that can be written.`);
      case "EACCES":
      case "EPERM":
        return unavailable(`The hub may not use ${this.path}; give that folder to the user that runs it, or point GUIDEPOST_DATA at another.`);
      case "ENOTDIR":
      case "EEXIST":
        return unavailable(`${this.path}, or something in it, is a file where a folder must be; move it away, or point GUIDEPOST_DATA elsewhere.`);
      case "EMFILE":
      case "ENFILE":
        return unavailable("The hub has too many files open; try again in a moment, and raise the limit (ulimit -n) if it stays.");
      case "EIO":
      case "ESTALE":
        return unavailable(`The disk of ${this.path} fails (${code}); its operator has to look at it.`);
      default:
        return cause;
    }
  }

  #full(cause?: unknown): AppError {
    return new AppError("disk_full", `The disk of ${this.path} is full; the hub's operator has to free some space. Nothing was lost, and downloads go on.`, { folder: this.path, retryAfter: 60 }, cause);
  }
}

export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException | null)?.code === "ENOENT";

export const newName = (): string => `${randomUUID()}.new`;

/** Writes a file that is not there yet; its bytes are on the disk when it closes. */
export const toNewFile = (path: string): Writable => createWriteStream(path, { flags: "wx", flush: true, highWaterMark: 4 * 2 ** 20 });
