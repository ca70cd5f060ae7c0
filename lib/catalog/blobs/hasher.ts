import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import type { HashAlgorithm } from "#lib/db/generated/client.ts";

export interface ContentHashes {
  readonly sha256: string;
  /** What git calls a file of this content. */
  readonly gitSha1: string;
  readonly others: ReadonlyMap<HashAlgorithm, string>;
}

/** What the first web user interface hashed of a checkpoint: 64 KiB after the first MiB. */
const AUTOV1 = { begin: 0x100000, end: 0x110000 } as const;

/**
 * All names of a content, from its bytes in order. `dataBegin` is where the tensors of a safetensors file begin; its other names
 * are those that tools for weights use:
 *
 *   autov1  8 digits of the sha256 of bytes 1 MiB … 1 MiB + 64 KiB      autov2  10 of the sha256 of all
 *   autov3  12 of the sha256 of the tensors: the same whatever the metadata says
 */
export class ContentHasher {
  readonly #sha256 = createHash("sha256");
  readonly #git: ReturnType<typeof createHash>;
  readonly #slices: readonly Slice[];
  readonly #size: number;
  #crc32 = 0;
  #seen = 0;

  constructor(size: number, dataBegin: number | null = null) {
    this.#size = size;
    this.#git = createHash("sha1").update(`blob ${size}\0`);
    this.#slices = dataBegin === null ? [] : [new Slice(dataBegin, size), new Slice(AUTOV1.begin, AUTOV1.end)];
  }

  update(bytes: Uint8Array): void {
    this.#sha256.update(bytes);
    this.#git.update(bytes);
    this.#crc32 = crc32(bytes, this.#crc32);
    for (const slice of this.#slices) slice.update(bytes, this.#seen);
    this.#seen += bytes.byteLength;
  }

  digest(): ContentHashes {
    const sha256 = this.#sha256.digest("hex");
    const others = new Map<HashAlgorithm, string>([["crc32", this.#crc32.toString(16).padStart(8, "0")]]);
    if (this.#slices.length > 0) {
      const [tensors, autov1] = this.#slices.map((slice) => slice.digest()) as [string, string];
      others.set("autov2", sha256.slice(0, 10)).set("autov3", tensors.slice(0, 12)).set("tensors", tensors);
      if (this.#size >= AUTOV1.end) others.set("autov1", autov1.slice(0, 8));
    }
    return { sha256, gitSha1: this.#git.digest("hex"), others };
  }
}

/** The sha256 of the bytes begin … end of what passes. */
class Slice {
  readonly #hash = createHash("sha256");
  readonly #begin: number;
  readonly #end: number;

  constructor(begin: number, end: number) {
    this.#begin = begin;
    this.#end = end;
  }

  update(bytes: Uint8Array, at: number): void {
    const [from, to] = [this.#begin, this.#end].map((place) => Math.min(Math.max(place - at, 0), bytes.byteLength)) as [
      number,
      number,
    ];
    if (from < to) this.#hash.update(bytes.subarray(from, to));
  }

  digest(): string {
    return this.#hash.digest("hex");
  }
}
