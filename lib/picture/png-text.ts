import { AppError } from "#lib/errors.ts";
import { crc32 } from "#lib/util/crc32.ts";

/** A compressed text. Who reads inflates it, to at most `limit` bytes: Node and a browser have their own ways. */
export interface Deflated {
  readonly data: Uint8Array<ArrayBuffer>;
  readonly limit: number;
}

export type Inflated = Uint8Array | "too long" | { readonly cause: unknown };

/**
 * The text of a PNG by its key (tEXt, zTXt and iTXt; of two with one key the later). Bytes may come from anyone: every length
 * is checked before it is used, every checksum is compared, and more than 1 MiB of text is refused. Runs in a browser too.
 */
export function* pngTexts(bytes: Uint8Array): Generator<Deflated, Map<string, string>, Inflated> {
  const text = new Map<string, string>();
  let budget = MAX_TEXT_BYTES;
  for (const { type, data, at } of chunksOf(bytes)) {
    const read = readers.get(type);
    if (!read) continue;
    if (data.length > budget) throw tooMuchText(at);
    const keyEnd = zeroIn(data, 0, at);
    if (keyEnd < 1 || keyEnd > MAX_KEY_BYTES) throw malformed(`has a text whose key is ${keyEnd} characters long`, at);
    const { body, isCompressed, decode } = read(data.subarray(keyEnd + 1), at);
    const value = decode(isCompressed ? requireInflated(yield { data: body, limit: budget }, at) : body, at);
    budget -= Math.max(data.length, new TextEncoder().encode(value).length);
    if (budget < 0) throw tooMuchText(at);
    text.set(latin1(data.subarray(0, keyEnd)), value);
  }
  return text;
}

export const signature = Uint8Array.of(0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a); // “\x89PNG\r\n\x1a\n”
export const HEADER_BYTES = 13;
const MAX_KEY_BYTES = 79;
const MAX_TEXT_BYTES = 2 ** 20; // far above any recipe or workflow met, far below what would hurt
const MAX_CHUNKS = 2 ** 16; // libpng cuts pixels into 8 KiB: half a gigabyte of them

interface Chunk {
  readonly type: string;
  readonly data: Uint8Array<ArrayBuffer>;
  /** Where its data begins in the file. */
  readonly at: number;
}

/** Walks the chunks from IHDR to IEND; nothing is copied. */
function* chunksOf(file: Uint8Array): Generator<Chunk> {
  const bytes = new Uint8Array(file.buffer as ArrayBuffer, file.byteOffset, file.length);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  if (bytes.length < signature.length || signature.some((byte, i) => bytes[i] !== byte))
    throw new AppError("bad_request", "This is not a PNG file; give a picture in PNG format.");
  let offset = signature.length;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    if (offset + 12 > bytes.length) throw malformed("ends in the middle of a chunk", offset);
    const length = view.getUint32(offset);
    if (length > bytes.length - offset - 12) throw malformed("claims more bytes than the file has", offset);
    const type = latin1(bytes.subarray(offset + 4, offset + 8));
    const end = offset + 8 + length;
    if (crc32(bytes.subarray(offset + 4, end)) !== view.getUint32(end))
      throw malformed("has a chunk whose checksum is wrong", offset);
    if (!/^[A-Za-z]{4}$/.test(type)) throw malformed("has a chunk without a name", offset);
    if ((count === 0) !== (type === "IHDR") || (type === "IHDR" && length !== HEADER_BYTES))
      throw malformed("does not begin with one header", offset);
    yield { type, data: bytes.subarray(offset + 8, end), at: offset + 8 };
    offset = end + 4;
    if (type !== "IEND") continue;
    if (length > 0 || offset !== bytes.length) throw malformed("goes on behind its end", offset);
    return;
  }
  throw malformed(`has more than ${MAX_CHUNKS} chunks`, offset);
}

interface TextBody {
  readonly body: Uint8Array<ArrayBuffer>;
  readonly isCompressed: boolean;
  readonly decode: (bytes: Uint8Array, at: number) => string;
}

/** By chunk type, what stands behind its key and the zero that ends it. */
const readers: ReadonlyMap<string, (body: Uint8Array<ArrayBuffer>, at: number) => TextBody> = new Map<
  string,
  (body: Uint8Array<ArrayBuffer>, at: number) => TextBody
>([
  // Latin-1 by the standard; many tools write UTF-8 all the same
  ["tEXt", (body) => ({ body, isCompressed: false, decode: utf8OrLatin1 })],
  // method 0 · deflated Latin-1
  [
    "zTXt",
    (body, at) => {
      if (body[0] !== 0) throw malformed("has a text compressed in an unknown way", at);
      return { body: body.subarray(1), isCompressed: true, decode: utf8OrLatin1 };
    },
  ],
  // compressed? · method 0 · language · 0 · translated key · 0 · UTF-8
  [
    "iTXt",
    (body, at) => {
      const [compressed, method] = body;
      if ((compressed !== 0 && compressed !== 1) || method !== 0)
        throw malformed("has a text compressed in an unknown way", at);
      const start = zeroIn(body, zeroIn(body, 2, at) + 1, at) + 1;
      return { body: body.subarray(start), isCompressed: compressed === 1, decode: utf8 };
    },
  ],
]);

function zeroIn(data: Uint8Array, start: number, at: number): number {
  const index = data.indexOf(0, start);
  if (index < 0) throw malformed("has a text that breaks off", at);
  return index;
}

function requireInflated(inflated: Inflated, at: number): Uint8Array {
  if (inflated === "too long") throw tooMuchText(at);
  if ("cause" in inflated) throw malformed("has a compressed text that cannot be read", at, inflated.cause);
  return inflated;
}

/** Byte by byte: what a TextDecoder calls latin1 is another code. */
function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

function utf8(bytes: Uint8Array, at: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed("has a text that is not UTF-8", at, cause);
  }
}

/** UTF-8 where the bytes are that: what Latin-1 spells so by chance is no text in any language. */
function utf8OrLatin1(bytes: Uint8Array): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    return latin1(bytes);
  }
}

const malformed = (what: string, offset: number, cause?: unknown): AppError =>
  new AppError(
    "bad_request",
    `This PNG ${what} (byte ${offset}); take the file from where it was first saved.`,
    { offset },
    cause,
  );

const tooMuchText = (offset: number): AppError =>
  new AppError(
    "bad_request",
    `This PNG carries more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text; save it again without.`,
    { offset, limit: MAX_TEXT_BYTES },
  );
