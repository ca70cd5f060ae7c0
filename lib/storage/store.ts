import type { Readable } from "node:stream";

/** An object as the store describes it. */
export interface ObjectFacts {
  readonly size: number;
  /** What the store calls this version of it; without quotes. Not a hash of the content. */
  readonly tag: string;
}

export interface ListedObject extends ObjectFacts {
  readonly key: string;
  readonly modifiedAt: Date;
}

export interface StoredPart {
  /** 1 … 10,000 */
  readonly number: number;
  readonly size: number;
  readonly tag: string;
}

export interface OpenMultipart {
  readonly key: string;
  readonly storageId: string;
  readonly startedAt: Date;
}

/** Bytes begin … end of an object, `end` excluded. */
export interface ByteRange {
  readonly begin: number;
  readonly end: number;
}

export interface DownloadOptions {
  /** What the browser calls the file. */
  readonly fileName: string;
  readonly contentType: string;
  /** Shown in the page, or saved. */
  readonly disposition: "inline" | "attachment";
  /** How long the URL works. */
  readonly seconds: number;
  /** Who reads what, for the hub to ask again while its own disk sends the bytes. A bucket sends to the end what has begun. */
  readonly reading?: string;
}

/** No part but the last may be smaller; as S3 has it. */
export const MIN_PART_BYTES = 5 * 2 ** 20;

/**
 * Where bytes lie. Keys come from `keys.ts` and mean nothing; an object is never changed, only made whole and deleted. Every
 * method throws `storage_unavailable` when the store does not answer and `disk_full` when it has no room; the same call may then
 * be made again. Both implementations pass `tests/contract/object-store.ts`.
 */
export interface ObjectStore {
  readonly kind: "disk" | "s3";

  /** Begins an upload in parts. Nothing is seen under `key` until it is completed. @returns the store's id of it */
  beginMultipart(key: string): Promise<string>;
  /**
   * A URL that takes one PUT of exactly `size` bytes as that part, again and again until the upload ends. Its answer has an `ETag`.
   * `offset`: where it begins in the object, where the caller knows; a disk then writes it there at once. No two parts may overlap.
   * `by` is who asked for it: those of one person share what the hub takes at once.
   */
  signPart(
    key: string,
    storageId: string,
    part: { readonly number: number; readonly size: number; readonly offset?: number },
    seconds: number,
    by?: string,
  ): Promise<string>;
  /** The parts that have arrived whole, by number. @throws not_found when the upload has been completed or aborted */
  listParts(key: string, storageId: string): Promise<StoredPart[]>;
  /**
   * Puts the parts together, in order, and makes the object durable. Called again after a lost answer it says the same.
   * @throws bytes_differ when a part is missing, has another tag, is out of order or too small, and the upload goes on; not_found
   *   when the upload is unknown and there is no object
   */
  completeMultipart(
    key: string,
    storageId: string,
    parts: readonly Pick<StoredPart, "number" | "tag">[],
  ): Promise<ObjectFacts>;
  /** Forgets an upload and its parts. Does nothing for one that is not there. */
  abortMultipart(key: string, storageId: string): Promise<void>;
  /** Every upload that was begun and has not ended, for the sweeper. */
  listMultiparts(): AsyncIterable<OpenMultipart>;

  /** Whether so many bytes more would fit, as far as the store knows its room: a bucket does not. @throws disk_full */
  requireRoom(bytes: number): Promise<void>;

  /** Writes a small object at once; durable when it returns. */
  put(key: string, bytes: Uint8Array): Promise<ObjectFacts>;
  /** Null where there is no such object. */
  head(key: string): Promise<ObjectFacts | null>;
  /** A stream of the object's bytes, or of a range of them. `signal` ends it early. @throws not_found, range_not_satisfiable */
  read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<Readable>;
  /** A URL from which anyone may read the object, whole or by Range, with ETag and the given name. */
  signDownload(key: string, options: DownloadOptions): Promise<string>;
  /** Does nothing for an object that is not there. */
  delete(key: string): Promise<void>;
  /** Every object, in no particular order, for the sweeper and fsck. */
  list(): AsyncIterable<ListedObject>;

  /** Whether the store answers and takes writes. @throws storage_unavailable with a sentence that says what to do */
  check(): Promise<void>;
}
