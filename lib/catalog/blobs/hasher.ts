import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { z } from "zod";
import type { HashAlgorithm } from "#lib/db/generated/client.ts";

/** What the bytes of a content were found to be, all of them having passed. */
export const contentDigest = z.strictObject({
  sha256: z.string(),
  /** What git calls a file of this content. */
  gitSha1: z.string(),
  crc32: z.string(),
  /** Of what lies behind the header, where the first eight bytes are the length of one. */
  tensors: z.string().nullable(),
  autov1: z.string().nullable(),
  /** UTF-8, and no NUL, which is UTF-8 too and in no text. */
  isText: z.boolean(),
});
export type ContentDigest = z.output<typeof contentDigest>;

export interface ContentHashes {
  readonly sha256: string;
  readonly gitSha1: string;
  readonly others: ReadonlyMap<HashAlgorithm, string>;
}

/**
 * The names of a content. What is a safetensors file has those too that tools for weights use:
 *
 *   autov1  8 digits of the sha256 of bytes 1 MiB … 1 MiB + 64 KiB      autov2  10 of the sha256 of all
 *   autov3  12 of the sha256 of the tensors: the same whatever the metadata says
 */
export function namesOf({ sha256, gitSha1, crc32, tensors, autov1 }: ContentDigest, isWeights: boolean): ContentHashes {
  const others = new Map<HashAlgorithm, string>([["crc32", crc32]]);
  if (isWeights && tensors !== null) {
    others.set("autov2", sha256.slice(0, 10)).set("autov3", tensors.slice(0, 12)).set("tensors", tensors);
    if (autov1 !== null) others.set("autov1", autov1.slice(0, 8));
  }
  return { sha256, gitSha1, others };
}

/** What the first web user interface hashed of a checkpoint: 64 KiB after the first MiB. */
const AUTOV1 = { begin: 0x100000, end: 0x110000 } as const;
const LENGTH_BYTES = 8;

/** Takes the bytes of a content in order, in pieces of any size, and says what all its names could be. */
export class ContentHasher {
  readonly #sha256 = createHash("sha256");
  readonly #git: ReturnType<typeof createHash>;
  readonly #text = new TextCheck();
  readonly #length = Buffer.alloc(LENGTH_BYTES);
  readonly #size: number;
  #slices: readonly Slice[] = [];
  #crc32 = 0;
  #seen = 0;

  constructor(size: number) {
    this.#size = size;
    this.#git = createHash("sha1").update(`blob ${size}\0`);
  }

  /** How many bytes have passed. */
  get seen(): number {
    return this.#seen;
  }

  update(bytes: Uint8Array): void {
    this.#sha256.update(bytes);
    this.#git.update(bytes);
    this.#crc32 = crc32(bytes, this.#crc32);
    if (this.#seen < LENGTH_BYTES) this.#readLength(bytes);
    for (const slice of this.#slices) slice.update(bytes, this.#seen);
    this.#text.update(bytes);
    this.#seen += bytes.byteLength;
  }

  /** A safetensors file begins with the length of its header. Where that fits, its tensors are hashed too; whether it is one, others say. */
  #readLength(bytes: Uint8Array): void {
    this.#length.set(bytes.subarray(0, LENGTH_BYTES - this.#seen), this.#seen);
    if (this.#seen + bytes.byteLength < LENGTH_BYTES) return;
    const length = this.#length.readBigUInt64LE();
    if (length > BigInt(this.#size - LENGTH_BYTES)) return;
    this.#slices = [new Slice(LENGTH_BYTES + Number(length), this.#size), new Slice(AUTOV1.begin, AUTOV1.end)];
  }

  digest(): ContentDigest {
    const [tensors, autov1] = this.#slices.map((slice) => slice.digest());
    return {
      sha256: this.#sha256.digest("hex"),
      gitSha1: this.#git.digest("hex"),
      crc32: this.#crc32.toString(16).padStart(8, "0"),
      tensors: tensors ?? null,
      autov1: autov1 !== undefined && this.#size >= AUTOV1.end ? autov1 : null,
      isText: this.#text.end(),
    };
  }
}

/** Whether what passes is a text. */
class TextCheck {
  readonly #decoder = new TextDecoder("utf-8", { fatal: true });
  #isText = true;

  update(bytes: Uint8Array): void {
    if (this.#isText) this.#isText = !bytes.includes(0) && this.#decodes(bytes);
  }

  end(): boolean {
    return this.#isText && this.#decodes();
  }

  #decodes(bytes?: Uint8Array): boolean {
    try {
      this.#decoder.decode(bytes, { stream: bytes !== undefined });
      return true;
    } catch {
      return false;
    }
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
