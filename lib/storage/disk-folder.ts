import { randomUUID } from "node:crypto";
import { createWriteStream } from "node:fs";
import { readdir, statfs } from "node:fs/promises";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { diskFailure, diskFull } from "./disk-failure.ts";
import { makeFolder } from "./durable.ts";
import { requireObjectKey } from "./keys.ts";

const LOW_WATER_BYTES = 200e6; // PostgreSQL may write on the same disk, and stops when it cannot
const LOW_WATER_SHARE = 0.01;
const GRANTED_BYTES = 2 ** 20;

/**
 * The folder of the disk store. Everything arrives under another name and is moved to its own when it is whole and on the disk, so
 * that a reader, or a start after a crash, sees all of it or nothing.
 *
 *   9f/04/6b1c…e2                          an object
 *   uploads/9f046b1c…e2-0199…7d/           an upload in parts: the object's key, and the store's id of the upload
 *     whole                                the object as its parts come (part-places.ts)
 *     00001                                a part that has arrived whole and lies beside it
 *     5d0f….new                            such a part on its way, or the object while it is copied together
 *   uploads/41c0….new                      a small object on its way
 *   uploads/8e21….ended/                   an upload that has ended, until it is removed
 */
export class DiskFolder {
  readonly path: string;
  readonly uploads: string;
  /** Room that was given to what has not come yet. */
  #granted = 0;

  constructor(path: string) {
    this.path = path;
    this.uploads = join(path, "uploads");
  }

  objectPath(key: string): string {
    requireObjectKey(key);
    return join(this.path, key);
  }

  /** An id that is not of our making (the hub had another store before) is that of an upload which is not there. */
  uploadPath(key: string, storageId: string): string {
    requireObjectKey(key);
    return join(this.uploads, `${key.replaceAll("/", "")}-${/^[0-9a-f]{32}$/.test(storageId) ? storageId : "unknown"}`);
  }

  /** What is in the folder of that name; nothing where there is none. */
  names(...path: string[]): Promise<string[]> {
    return this.guard(async () => {
      try {
        return await readdir(join(this.path, ...path));
      } catch (cause) {
        if (isMissing(cause)) return [];
        throw cause;
      }
    });
  }

  /** @throws disk_full when the disk would not have enough left after so many bytes more; what is there can still be read */
  async requireRoom(bytes: number): Promise<void> {
    await makeFolder(this.path);
    const { bavail, blocks, bsize } = await statfs(this.path);
    const free = bavail * bsize - this.#granted;
    if (free - bytes < Math.max(LOW_WATER_BYTES, blocks * bsize * LOW_WATER_SHARE)) throw diskFull(this.path);
  }

  /**
   * The same bytes, each with room on the disk. Room is given a little at a time and as they come: many that write at once do not all
   * count on the same room, and who only says that bytes will come takes no more of it than this. @throws disk_full
   */
  async *withRoom(bytes: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
    let granted = 0;
    try {
      for await (const piece of bytes) {
        for (let at = 0; at < piece.byteLength; at += GRANTED_BYTES) {
          const part = piece.subarray(at, at + GRANTED_BYTES);
          if (part.byteLength > granted) {
            await this.requireRoom(GRANTED_BYTES);
            this.#granted += GRANTED_BYTES - granted; // what was granted before is on its way to the disk, and counts there
            granted = GRANTED_BYTES;
          }
          granted -= part.byteLength;
          this.#granted -= part.byteLength;
          yield part;
        }
      }
    } finally {
      this.#granted -= granted;
    }
  }

  /** Runs `work`, and says in our words what the file system says when it cannot. */
  async guard<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (cause) {
      throw diskFailure(this.path, cause);
    }
  }
}

export const isMissing = (cause: unknown): boolean => (cause as NodeJS.ErrnoException | null)?.code === "ENOENT";

export const newName = (): string => `${randomUUID()}.new`;

/** Writes a file that is not there yet; its bytes are on the disk when it closes. */
export const toNewFile = (path: string): Writable =>
  createWriteStream(path, { flags: "wx", flush: true, highWaterMark: 4 * 2 ** 20 });
