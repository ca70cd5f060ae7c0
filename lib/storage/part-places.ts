import { randomBytes } from "node:crypto";
import { constants, type FileHandle, link, open, readdir, rm, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { isMissing } from "./disk-folder.ts";
import { syncFolder } from "./durable.ts";
import type { StoredPart } from "./store.ts";

/** A part that lies where it belongs in the object. */
export interface PlacedPart extends StoredPart {
  readonly offset: number;
}

/**
 * The object of an upload while its parts come: each is written where it belongs, so that at the end nothing is copied. A place is written
 * by one request alone and never again once its part is there. What is sent a second time, or while another request has the place, lies
 * beside (`disk-multipart.ts`), and the object is then copied together.
 *
 *   whole             the object, with holes where parts have not come
 *   closed            the same by a second name, from when it is put together: no place is given any more
 *   00003.place       who has written this has the place of part 3
 *   00003.1f0-5-9b…   part 3 is there whole: its offset, its size and a word of chance, which together are its tag
 */
export class PartPlaces {
  readonly #upload: string;

  constructor(upload: string) {
    this.#upload = upload;
  }

  /** The place of a part for this request alone; null where it is taken, or none is given any more. @throws ENOENT without the upload */
  async take(number: number, offset: number): Promise<PartPlace | null> {
    const claim = join(this.#upload, `${nameOf(number)}.place`);
    try {
      await writeFile(claim, "", { flag: "wx" });
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code === "EEXIST") return null;
      throw cause;
    }
    // After the claim, and then looking for the second name: who gives it one looks at the claims after that, and so sees all who write.
    const file = await open(this.path, constants.O_RDWR | constants.O_CREAT);
    if (await isThere(this.#closed)) {
      await file.close();
      await rm(claim, { force: true });
      return null;
    }
    return new PartPlace(this.#upload, claim, file, number, offset);
  }

  /** From here on nobody begins to write to it. */
  async close(): Promise<void> {
    try {
      await link(this.path, this.#closed);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      if (code !== "EEXIST" && code !== "ENOENT") throw cause; // closed before, or every part lies beside
    }
  }

  /** Of the object that comes to be. */
  get path(): string {
    return join(this.#upload, "whole");
  }

  get #closed(): string {
    return join(this.#upload, "closed");
  }

  /** Whether somebody who has a place may still write: then what is closed is not yet an object. */
  async isBeingWritten(): Promise<boolean> {
    const names = await readdir(this.#upload);
    const arrived = new Set(names.flatMap((name) => parsePlaced(name)?.number ?? []));
    return names.some((name) => name.endsWith(".place") && !arrived.has(Number.parseInt(name, 10)));
  }
}

const isThere = (path: string): Promise<boolean> =>
  stat(path).then(
    () => true,
    (cause: unknown) => {
      if (isMissing(cause)) return false;
      throw cause;
    },
  );

/** What one request writes to. */
class PartPlace {
  readonly #upload: string;
  readonly #claim: string;
  readonly #file: FileHandle;
  readonly #number: number;
  readonly #offset: number;

  constructor(upload: string, claim: string, file: FileHandle, number: number, offset: number) {
    this.#upload = upload;
    this.#claim = claim;
    this.#file = file;
    this.#number = number;
    this.#offset = offset;
  }

  /** Writes the part and says that it is there; gives the place back when not all of it comes. */
  async write(size: number, body: AsyncIterable<Uint8Array>): Promise<PlacedPart> {
    const stream = this.#file.createWriteStream({ start: this.#offset, flush: true, highWaterMark: 4 * 2 ** 20 });
    try {
      await pipeline(body, stream);
    } catch (cause) {
      // A write of ours may still be under way.
      if (!stream.closed) await new Promise<void>((resolve) => stream.once("close", resolve));
      await rm(this.#claim, { force: true });
      throw cause;
    }
    // What goes wrong from here on keeps the place: somebody may have seen the part already.
    const facts = [this.#offset, size].map((fact) => fact.toString(16)).join("-");
    const tag = `${facts}-${randomBytes(8).toString("hex")}`;
    await writeFile(join(this.#upload, `${nameOf(this.#number)}.${tag}`), "", { flag: "wx" });
    await syncFolder(this.#upload);
    return { number: this.#number, offset: this.#offset, size, tag };
  }
}

/** The part that a file's name tells of. */
export function parsePlaced(name: string): PlacedPart | null {
  const [, number, tag, offset, size] = /^(\d{5})\.(([0-9a-f]{1,13})-([0-9a-f]{1,13})-[0-9a-f]{16})$/.exec(name) ?? [];
  if (!tag) return null;
  return { number: Number(number), offset: Number.parseInt(offset!, 16), size: Number.parseInt(size!, 16), tag };
}

export const nameOf = (number: number): string => String(number).padStart(5, "0");
