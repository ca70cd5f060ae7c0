import { randomBytes, randomUUID } from "node:crypto";
import type { BigIntStats } from "node:fs";
import { link, open, readdir, rename, rm, stat } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { AppError } from "#lib/errors.ts";
import { type DiskFolder, isMissing, newName, toNewFile } from "./disk-folder.ts";
import { makeFolder, moveDurably, syncFolder } from "./durable.ts";
import { nameOf, parsePlaced, PartPlaces, type PlacedPart } from "./part-places.ts";
import { MIN_PART_BYTES, type OpenMultipart, type StoredPart } from "./store.ts";

/** What completes an upload names each part by. */
export type NamedPart = Pick<StoredPart, "number" | "tag">;

const COPIED_PIECE = 2 ** 20;
const SMALL_PIECE = 2 ** 18; // whoever reads it does something with each, on the thread that answers requests
const LEFT_BEHIND_MS = 3600 * 1000; // a connection on which nothing comes is given up long before

/** A part as it is sent. */
export interface ArrivingPart {
  readonly number: number;
  readonly size: number;
  /** Where it begins in the object, if that is known before all parts are there. */
  readonly offset?: number | undefined;
}

/** Where a part lies: in its place in the object, or, without `offset`, in a file of its own. */
type LyingPart = StoredPart & { readonly offset?: number };

/** Uploads in parts, each a folder of files. */
export class DiskMultiparts {
  readonly #folder: DiskFolder;

  constructor(folder: DiskFolder) {
    this.#folder = folder;
  }

  /** @returns the id of the upload: 6 bytes of time, 10 of chance, in hex */
  async begin(key: string): Promise<string> {
    const storageId = `${Date.now().toString(16).padStart(12, "0")}${randomBytes(10).toString("hex")}`;
    await makeFolder(this.#folder.uploadPath(key, storageId));
    return storageId;
  }

  /** Takes a part's bytes; it counts when they are all there, and replaces what came before under its number. */
  async receive(
    key: string,
    storageId: string,
    { number, size, offset }: ArrivingPart,
    body: AsyncIterable<Uint8Array>,
  ): Promise<StoredPart> {
    const upload = this.#folder.uploadPath(key, storageId);
    await this.#folder.requireRoom(size);
    const bytes = this.#folder.withRoom(exactly(size, body));
    try {
      const place = offset === undefined ? null : await new PartPlaces(upload).take(number, offset);
      return place ? toStored(await place.write(size, bytes)) : await receiveBeside(upload, number, bytes);
    } catch (cause) {
      throw isMissing(cause) ? hasEnded(cause) : cause;
    }
  }

  async listParts(key: string, storageId: string): Promise<StoredPart[]> {
    return (await this.#lyingParts(key, storageId)).map(toStored);
  }

  /** What lies beside came later than what lies in its place. */
  async #lyingParts(key: string, storageId: string): Promise<LyingPart[]> {
    const upload = this.#folder.uploadPath(key, storageId);
    try {
      const names = await readdir(upload);
      const beside = await Promise.all(
        names
          .filter((name) => /^\d{5}$/.test(name))
          .map(async (name) => toPart(Number(name), await stat(join(upload, name), { bigint: true }))),
      );
      const placed = names.flatMap((name) => parsePlaced(name) ?? []);
      const parts = new Map<number, LyingPart>([...placed, ...beside].map((part) => [part.number, part]));
      return [...parts.values()].toSorted((a, b) => a.number - b.number);
    } catch (cause) {
      throw isMissing(cause) ? hasEnded(cause) : cause;
    }
  }

  /** The bytes of a part that has come. @throws not_found, and bytes_differ where another was sent in its stead */
  async *read(key: string, storageId: string, { number, tag }: NamedPart): AsyncGenerator<Uint8Array> {
    const part = (await this.#lyingParts(key, storageId)).find((one) => one.number === number);
    if (part?.tag !== tag) throw sentAgain(number);
    yield* bytesOf(this.#folder.uploadPath(key, storageId), [part], SMALL_PIECE);
  }

  /**
   * Makes `object` of the parts: by another name where each lies in its place, or there is one alone; else by copying each byte once more.
   */
  async assemble(key: string, storageId: string, named: readonly NamedPart[], object: string): Promise<void> {
    const parts = choose(named, await this.#lyingParts(key, storageId));
    const upload = this.#folder.uploadPath(key, storageId);
    const places = new PartPlaces(upload);
    const whole = join(upload, newName());
    for (const name of await readdir(upload)) if (name.endsWith(".new")) await removeLeftBehind(join(upload, name));
    try {
      await places.close();
      const [first] = parts;
      if (isInPlace(parts) && (await isWhole(places, parts))) {
        await link(places.path, whole);
      } else if (parts.length === 1 && first!.offset === undefined) {
        await link(join(upload, nameOf(first!.number)), whole);
        requireSame(first!, await stat(whole, { bigint: true }));
      } else {
        await this.#folder.requireRoom(sizeOf(parts));
        await pipeline(this.#folder.withRoom(bytesOf(upload, parts, COPIED_PIECE)), toNewFile(whole));
      }
      await moveDurably(whole, object);
    } catch (cause) {
      await rm(whole, { force: true });
      throw isMissing(cause) ? hasEnded(cause) : cause;
    }
  }

  /** Ends an upload at one stroke, so that no part can arrive any more, and then removes it. */
  async end(key: string, storageId: string): Promise<void> {
    const ended = join(this.#folder.uploads, `${randomUUID()}.ended`);
    try {
      await rename(this.#folder.uploadPath(key, storageId), ended);
    } catch (cause) {
      if (isMissing(cause)) return;
      throw cause;
    }
    await rm(ended, { recursive: true, force: true });
  }

  /** Also removes what a crash left beside the uploads. */
  async *list(): AsyncGenerator<OpenMultipart> {
    for (const name of await this.#folder.names("uploads")) {
      const [, a, b, rest, storageId, time] = /^(..)(..)(.{28})-((.{12}).{20})$/.exec(name) ?? [];
      if (storageId) yield { key: `${a}/${b}/${rest}`, storageId, startedAt: new Date(Number.parseInt(time!, 16)) };
      else await removeLeftBehind(join(this.#folder.uploads, name));
    }
  }
}

/** What nobody has written to for an hour was being written when a process died. */
async function removeLeftBehind(path: string): Promise<void> {
  const facts = await stat(path).catch(() => null); // gone, then
  if (facts && Date.now() - facts.mtimeMs > LEFT_BEHIND_MS) await rm(path, { recursive: true, force: true });
}

/** Into a file of its own, which takes the part's name when all bytes are there. */
async function receiveBeside(upload: string, number: number, body: AsyncIterable<Uint8Array>): Promise<StoredPart> {
  const arriving = join(upload, newName());
  try {
    await pipeline(body, toNewFile(arriving));
    const part = toPart(number, await stat(arriving, { bigint: true }));
    await rename(arriving, join(upload, nameOf(number)));
    await syncFolder(upload);
    return part;
  } catch (cause) {
    await rm(arriving, { force: true });
    throw cause;
  }
}

const toStored = ({ number, size, tag }: StoredPart): StoredPart => ({ number, size, tag });
const sizeOf = (parts: readonly StoredPart[]): number => parts.reduce((sum, { size }) => sum + size, 0);

/** Whether the parts lie in the object one after the other, with nothing between them. */
function isInPlace(parts: readonly LyingPart[]): parts is readonly PlacedPart[] {
  let end = 0;
  return parts.every(({ offset, size }) => {
    const follows = offset === end;
    end += size;
    return follows;
  });
}

/** After it was closed. */
async function isWhole(places: PartPlaces, parts: readonly PlacedPart[]): Promise<boolean> {
  return (await stat(places.path)).size === sizeOf(parts) && !(await places.isBeingWritten());
}

/** The tag tells one sending of a part from another: each is a new file. */
const toPart = (number: number, { ino, mtimeNs, size }: BigIntStats): StoredPart => ({
  number,
  size: Number(size),
  tag: [ino, mtimeNs, size].map((fact) => fact.toString(16)).join("-"),
});

function requireSame(part: StoredPart, facts: BigIntStats): void {
  if (toPart(part.number, facts).tag !== part.tag) throw sentAgain(part.number);
}

const sentAgain = (number: number): AppError =>
  new AppError(
    "bytes_differ",
    `Part ${number} was sent again in the meantime; list the parts and complete the upload with their new tags.`,
    { part: number },
  );

/** The parts that were named, as they lie here. @throws bytes_differ */
function choose(named: readonly NamedPart[], present: readonly LyingPart[]): LyingPart[] {
  const byNumber = new Map(present.map((part) => [part.number, part]));
  const refuse = (message: string, detail: Record<string, unknown> = {}): AppError =>
    new AppError("bytes_differ", message, detail);
  if (named.length === 0) throw refuse("No part was named; send at least one, empty for an empty file.");
  return named.map(({ number, tag }, index) => {
    const part = byNumber.get(number);
    if (index > 0 && named[index - 1]!.number >= number)
      throw refuse(`Part ${number} is named out of order; name each part once, in the order of their numbers.`, {
        part: number,
      });
    if (!part) throw refuse(`Part ${number} has not arrived; send it, then complete the upload.`, { part: number });
    if (part.tag !== tag)
      throw refuse(
        `Part ${number} is not the one that was named; send it again, and complete the upload with its new tag.`,
        { part: number, expected: tag, actual: part.tag },
      );
    if (part.size < MIN_PART_BYTES && index < named.length - 1) {
      throw refuse(
        `Part ${number} has ${part.size} bytes; every part but the last must have at least ${MIN_PART_BYTES}.`,
        { part: number, expected: MIN_PART_BYTES, actual: part.size },
      );
    }
    return part;
  });
}

async function* bytesOf(upload: string, parts: readonly LyingPart[], pieceBytes: number): AsyncGenerator<Uint8Array> {
  for (const part of parts) {
    const { offset, size } = part;
    const file = await open(offset === undefined ? join(upload, nameOf(part.number)) : new PartPlaces(upload).path);
    try {
      if (offset === undefined) requireSame(part, await file.stat({ bigint: true }));
      const begin = offset ?? 0;
      if (size > 0)
        yield* file.createReadStream({
          start: begin,
          end: begin + size - 1,
          highWaterMark: pieceBytes,
          autoClose: false,
        });
    } finally {
      await file.close();
    }
  }
}

async function* exactly(size: number, body: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  let seen = 0;
  for await (const bytes of body) {
    seen += bytes.byteLength;
    if (seen > size)
      throw new AppError("too_large", `This part was to have ${size} bytes and more came; send exactly those.`, {
        expected: size,
      });
    yield bytes;
  }
  if (seen < size)
    throw new AppError("bytes_differ", `This part was to have ${size} bytes and ${seen} came; send it again.`, {
      expected: size,
      actual: seen,
    });
}

const hasEnded = (cause: unknown): AppError =>
  new AppError("not_found", "There is no such upload, or it has ended; begin a new one.", {}, cause);
