import { type FileHandle, open, rm, stat, statfs, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { Readable } from "node:stream";
import { AppError } from "#lib/errors.ts";
import { Breaker, Silence } from "./breaker.ts";
import { DiskFolder, isMissing, newName } from "./disk-folder.ts";
import { type ArrivingPart, DiskMultiparts, type NamedPart } from "./disk-multipart.ts";
import { makeFolder, moveDurably } from "./durable.ts";
import { isObjectKey, newObjectKey } from "./keys.ts";
import { UrlSigner } from "./signed-url.ts";
import type {
  ByteRange,
  DownloadOptions,
  ListedObject,
  ObjectFacts,
  ObjectStore,
  OpenMultipart,
  StoredPart,
} from "./store.ts";
import { Turns } from "./turns.ts";
import { wholeBody } from "./whole-body.ts";

export interface DiskSettings {
  /** Absolute. Made when something is first written. */
  readonly folder: string;
  /** Of the web server that answers the signed URLs. */
  readonly publicUrl: string;
  readonly secret: string;
}

export interface DiskLimits {
  readonly probeMs: number;
  readonly deadlineMs: number;
  /** Without the next byte of an object that is read. */
  readonly stallMs: number;
  /** How long a call that found the disk silent may wait for it to come back. */
  readonly patienceMs: number;
}

/** A local disk that has much to write is slow, and not away. */
const LIMITS: DiskLimits = { probeMs: 10_000, deadlineMs: 25_000, stallMs: 25_000, patienceMs: 0 };
/** For what moves bytes of any number. It too ends when the disk is found silent. */
const NO_DEADLINE_MS = 24 * 3600 * 1000;

/** What a signed URL lets its holder send. */
export interface PartGrant extends ArrivingPart {
  readonly storageId: string;
  /** Who asked for the address. */
  readonly by: string;
}

export type DownloadGrant = Omit<DownloadOptions, "seconds">;

/**
 * Objects as files of one folder. A call to a disk that hangs (a server of files that is away) cannot be taken back: it is left
 * behind with its thread, its caller is told, and no other call is made until the disk answers again. The web server answers its signed URLs (`lib/http/disk-objects.ts`). */
export class DiskStore implements ObjectStore {
  readonly kind = "disk";
  readonly #folder: DiskFolder;
  readonly #multiparts: DiskMultiparts;
  readonly #signer: UrlSigner;
  readonly #limits: DiskLimits;
  readonly #breaker: Breaker;
  /** Of completing an upload: a second one waits for the first instead of copying as well. */
  readonly #turns = new Turns();

  constructor({ folder, publicUrl, secret }: DiskSettings, limits: Partial<DiskLimits> = {}) {
    this.#limits = { ...LIMITS, ...limits };
    this.#folder = new DiskFolder(folder);
    this.#multiparts = new DiskMultiparts(this.#folder);
    this.#signer = new UrlSigner(publicUrl, secret);
    let asked: Promise<unknown> | null = null;
    this.#breaker = new Breaker({
      // One at a time, for one that hangs keeps its thread.
      probe: () => (asked ??= statfs(folder).finally(() => (asked = null))),
      probeMs: this.#limits.probeMs,
      isAway: () => false,
      patienceMs: this.#limits.patienceMs,
    });
  }

  /** The file that is the object. Nobody may write to it. */
  pathOf(key: string): string {
    return this.#folder.objectPath(key);
  }

  beginMultipart(key: string): Promise<string> {
    return this.#ask(() => this.#multiparts.begin(key));
  }

  async signPart(
    key: string,
    storageId: string,
    { number, size, offset }: ArrivingPart,
    seconds: number,
    by = "hub",
  ): Promise<string> {
    const place = offset === undefined ? {} : { offset: String(offset) };
    const fields = { upload: storageId, part: String(number), size: String(size), ...place, by };
    return this.#signer.sign("PUT", key, fields, seconds);
  }

  /** What the URL of a PUT allows. @throws forbidden */
  parsePartUrl(key: string, query: URLSearchParams): PartGrant {
    const { upload, part, size, offset, by } = this.#signer.verify("PUT", key, query);
    return {
      storageId: upload!,
      number: Number(part),
      size: Number(size),
      offset: offset === undefined ? undefined : Number(offset),
      by: by ?? "hub", // one of an older version says nothing
    };
  }

  /** @throws too_large, bytes_differ when `body` is longer or shorter than was granted; not_found when the upload has ended */
  receivePart(key: string, grant: Omit<PartGrant, "by">, body: AsyncIterable<Uint8Array>): Promise<StoredPart> {
    return this.#ask(() => this.#multiparts.receive(key, grant.storageId, grant, body), NO_DEADLINE_MS);
  }

  listParts(key: string, storageId: string): Promise<StoredPart[]> {
    return this.#ask(() => this.#multiparts.listParts(key, storageId));
  }

  /** The bytes of a part that has come, before the upload is complete. @throws not_found, bytes_differ where it was sent again */
  async *readPart(key: string, storageId: string, part: NamedPart): AsyncGenerator<Uint8Array> {
    try {
      yield* this.#multiparts.read(key, storageId, part);
    } catch (cause) {
      throw toDiskFailure(cause);
    }
  }

  completeMultipart(key: string, storageId: string, parts: readonly NamedPart[]): Promise<ObjectFacts> {
    return this.#turns.take(storageId, () => this.#ask(() => this.#complete(key, storageId, parts), NO_DEADLINE_MS));
  }

  async #complete(key: string, storageId: string, parts: readonly NamedPart[]): Promise<ObjectFacts> {
    if (!(await this.head(key))) {
      try {
        await this.#multiparts.assemble(key, storageId, parts, this.pathOf(key));
      } catch (cause) {
        if (!(await this.head(key))) throw cause; // else another process was faster, and took the parts away
      }
    }
    await this.#multiparts.end(key, storageId);
    return toFacts(key, (await stat(this.pathOf(key))).size);
  }

  abortMultipart(key: string, storageId: string): Promise<void> {
    return this.#ask(() => this.#multiparts.end(key, storageId));
  }

  listMultiparts(): AsyncIterable<OpenMultipart> {
    return this.#multiparts.list();
  }

  requireRoom(bytes: number): Promise<void> {
    return this.#ask(() => this.#folder.requireRoom(bytes));
  }

  put(key: string, bytes: Uint8Array): Promise<ObjectFacts> {
    return this.#ask(async () => {
      const arriving = join(this.#folder.uploads, newName());
      await this.#folder.requireRoom(bytes.byteLength);
      await makeFolder(this.#folder.uploads);
      try {
        await writeFile(arriving, bytes, { flag: "wx", flush: true });
        await moveDurably(arriving, this.pathOf(key));
      } catch (cause) {
        await rm(arriving, { force: true });
        throw cause;
      }
      return toFacts(key, bytes.byteLength);
    });
  }

  head(key: string): Promise<ObjectFacts | null> {
    return this.#ask(async () => {
      try {
        return toFacts(key, (await stat(this.pathOf(key))).size);
      } catch (cause) {
        if (isMissing(cause)) return null;
        throw cause;
      }
    });
  }

  read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    return this.#ask(async () => {
      signal?.throwIfAborted();
      const file = await open(this.pathOf(key)).catch((cause: unknown) => {
        throw isMissing(cause)
          ? new AppError("not_found", "The bytes of this are not in the store.", { key }, cause)
          : cause;
      });
      return this.#bodyOf(file, range, signal).catch(async (cause: unknown) => {
        await file.close();
        throw cause;
      });
    });
  }

  async #bodyOf(file: FileHandle, range?: ByteRange, signal?: AbortSignal): Promise<Readable> {
    const { size } = await file.stat();
    const { begin, end } = range ?? { begin: 0, end: size };
    if (begin < 0 || begin > end || end > size)
      throw new AppError(
        "range_not_satisfiable",
        `The bytes ${begin} to ${end} are not within the ${size} bytes of this file.`,
        { size },
      );
    if (begin === end) {
      await file.close();
      return Readable.from([]);
    }
    return wholeBody(file.createReadStream({ start: begin, end: end - 1, highWaterMark: 2 ** 18 }), {
      size: end - begin,
      stallMs: this.#limits.stallMs,
      signal,
      translate: (cause) => {
        if (cause instanceof Silence) void this.#breaker.suspect();
        return toDiskFailure(cause);
      },
    });
  }

  async signDownload(
    key: string,
    { fileName, contentType, disposition, seconds, reading }: DownloadOptions,
  ): Promise<string> {
    const fields = { name: fileName, type: contentType, disposition, ...(reading === undefined ? {} : { reading }) };
    return this.#signer.sign("GET", key, fields, seconds);
  }

  /** What the URL of a GET allows. @throws forbidden */
  parseDownloadUrl(key: string, query: URLSearchParams): DownloadGrant {
    const { name, type, disposition, reading } = this.#signer.verify("GET", key, query);
    return {
      fileName: name!,
      contentType: type!,
      disposition: disposition === "inline" ? "inline" : "attachment",
      ...(reading === undefined ? {} : { reading }),
    };
  }

  delete(key: string): Promise<void> {
    return this.#ask(() => rm(this.pathOf(key), { force: true }));
  }

  async *list(): AsyncGenerator<ListedObject> {
    const isShard = (name: string): boolean => /^[0-9a-f]{2}$/.test(name);
    for (const outer of (await this.#folder.names()).filter(isShard)) {
      for (const inner of (await this.#folder.names(outer)).filter(isShard)) {
        for (const key of (await this.#folder.names(outer, inner))
          .map((name) => `${outer}/${inner}/${name}`)
          .filter(isObjectKey)) {
          const facts = await stat(this.pathOf(key)).catch(() => null); // deleted in the meantime
          if (facts) yield { key, ...toFacts(key, facts.size), modifiedAt: facts.mtime };
        }
      }
    }
  }

  async #ask<T>(work: () => Promise<T>, deadlineMs = this.#limits.deadlineMs): Promise<T> {
    try {
      return await this.#breaker.call(() => this.#folder.guard(work), deadlineMs);
    } catch (cause) {
      throw toDiskFailure(cause);
    }
  }

  async check(): Promise<void> {
    const key = newObjectKey();
    await this.put(key, new Uint8Array(1));
    await this.delete(key);
  }
}

/** Keys are never used twice and objects never changed, so the key is the version; with the size, a file that was cut is another. */
const toFacts = (key: string, size: number): ObjectFacts => ({
  size,
  tag: `${key.replaceAll("/", "")}-${size.toString(16)}`,
});

const toDiskFailure = (cause: unknown): unknown =>
  cause instanceof Silence
    ? new AppError(
        "storage_unavailable",
        "The hub's disk does not answer at the moment; nothing was lost, try again in a few seconds.",
        { retryAfter: 5 },
        cause,
      )
    : cause;
