import { constants, crc32, deflateSync, inflateSync } from "node:zlib";
import { AppError } from "#lib/errors.ts";
import type { Picture } from "./rgb.ts";

/**
 * A PNG with `text` in front of the pixels, where readers that stop at the first of them still find it. Keys are 1 to 79
 * Latin-1 characters. Our own because fast-png writes Latin-1 text only, and behind the pixels.
 *
 *   signature · IHDR · one tEXt (Latin-1) or iTXt (UTF-8) for each entry · IDAT · IEND      W3C PNG, third edition
 */
export function encodePng({ width, height, rgb }: Picture, text: ReadonlyMap<string, string>): Uint8Array {
  if (!isSide(width) || !isSide(height) || rgb.length !== 3 * width * height) {
    throw new RangeError(`encodePng: ${rgb.length} bytes do not fill ${width} × ${height} pixels of three channels`);
  }
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // bits a channel, RGB, deflate, the five filters, not interlaced
  return Buffer.concat([
    signature,
    chunk("IHDR", header),
    ...Array.from(text, ([key, value]) => textChunk(key, value)),
    chunk("IDAT", deflateSync(filterRows(rgb, 3 * width), { level: constants.Z_BEST_COMPRESSION })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/**
 * The text of a PNG by its key (tEXt, zTXt and iTXt; of two with one key the later). Bytes may come from anyone: every length
 * is checked before it is used, every checksum is compared, and more than 1 MiB of text is refused.
 */
export function readPngText(bytes: Uint8Array): Map<string, string> {
  const text = new Map<string, string>();
  let budget = MAX_TEXT_BYTES;
  for (const { type, data, at } of chunksOf(bytes)) {
    const read = readers.get(type);
    if (!read) continue;
    if (data.length > budget) throw tooMuchText(at);
    const keyEnd = zeroIn(data, 0, at);
    if (keyEnd < 1 || keyEnd > MAX_KEY_BYTES) throw malformed(`has a text whose key is ${keyEnd} characters long`, at);
    const value = read(data.subarray(keyEnd + 1), at, budget);
    budget -= Math.max(data.length, Buffer.byteLength(value));
    if (budget < 0) throw tooMuchText(at);
    text.set(data.toString("latin1", 0, keyEnd), value);
  }
  return text;
}

const signature = Buffer.from("\x89PNG\r\n\x1a\n", "latin1");
const HEADER_BYTES = 13;
const MAX_SIDE = 2 ** 31 - 1;
const MAX_KEY_BYTES = 79;
const MAX_TEXT_BYTES = 2 ** 20; // far above any recipe or workflow met, far below what would hurt
const MAX_CHUNKS = 2 ** 16; // libpng cuts pixels into 8 KiB: half a gigabyte of them

const isSide = (length: number): boolean => Number.isInteger(length) && length >= 1 && length <= MAX_SIDE;

function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, -4)), 8 + data.length);
  return out;
}

function textChunk(key: string, value: string): Buffer {
  if (!/^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa1-\xff]{0,77}[\x21-\x7e\xa1-\xff])?$/.test(key)) {
    throw new RangeError(`encodePng: ${JSON.stringify(key)} cannot name a text; use 1 to 79 printable Latin-1 characters`);
  }
  const keyword = Buffer.from(`${key}\0`, "latin1");
  return /^[\n\x20-\xff]*$/.test(value)
    ? chunk("tEXt", Buffer.concat([keyword, Buffer.from(value, "latin1")]))
    : chunk("iTXt", Buffer.concat([keyword, Buffer.alloc(4), Buffer.from(value, "utf8")])); // not compressed, no language, no translated key
}

/** What each filter subtracts from a byte, given the bytes of the pixel to the left, above, and above left. PNG §9.2. */
const predictors: readonly ((left: number, up: number, upLeft: number) => number)[] = [
  () => 0,
  (left) => left,
  (_left, up) => up,
  (left, up) => (left + up) >> 1,
  paeth,
];

function paeth(left: number, up: number, upLeft: number): number {
  const byLeft = Math.abs(up - upLeft);
  const byUp = Math.abs(left - upLeft);
  const byUpLeft = Math.abs(left + up - 2 * upLeft);
  if (byLeft <= byUp && byLeft <= byUpLeft) return left;
  return byUp <= byUpLeft ? up : upLeft;
}

/** Each row under the filter that leaves the smallest sum of absolute differences (PNG §12.7), behind the filter's number. */
function filterRows(rgb: Uint8Array, rowBytes: number): Buffer {
  const rows = rgb.length / rowBytes;
  const out = Buffer.alloc(rgb.length + rows);
  const tried = Buffer.alloc(rowBytes);
  let above: Uint8Array = new Uint8Array(rowBytes);
  for (let y = 0; y < rows; y++) {
    const row = rgb.subarray(y * rowBytes, (y + 1) * rowBytes);
    const target = y * (rowBytes + 1);
    let smallest = Infinity;
    for (const [filter, predict] of predictors.entries()) {
      let sum = 0;
      for (let x = 0; x < rowBytes; x++) {
        const left = x < 3 ? 0 : row[x - 3]!;
        const upLeft = x < 3 ? 0 : above[x - 3]!;
        const difference = (row[x]! - predict(left, above[x]!, upLeft)) & 0xff;
        tried[x] = difference;
        sum += difference < 128 ? difference : 256 - difference;
      }
      if (sum >= smallest) continue;
      smallest = sum;
      out[target] = filter;
      out.set(tried, target + 1);
    }
    above = row;
  }
  return out;
}

interface Chunk {
  readonly type: string;
  readonly data: Buffer;
  /** Where its data begins in the file. */
  readonly at: number;
}

/** Walks the chunks from IHDR to IEND; nothing is copied. */
function* chunksOf(bytes: Uint8Array): Generator<Chunk> {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
  if (!file.subarray(0, signature.length).equals(signature)) throw new AppError("bad_request", "This is not a PNG file; give a picture in PNG format.");
  let offset = signature.length;
  for (let count = 0; count < MAX_CHUNKS; count++) {
    if (offset + 12 > file.length) throw malformed("ends in the middle of a chunk", offset);
    const length = file.readUInt32BE(offset);
    if (length > file.length - offset - 12) throw malformed("claims more bytes than the file has", offset);
    const type = file.toString("latin1", offset + 4, offset + 8);
    const end = offset + 8 + length;
    if (crc32(file.subarray(offset + 4, end)) !== file.readUInt32BE(end)) throw malformed("has a chunk whose checksum is wrong", offset);
    if (!/^[A-Za-z]{4}$/.test(type)) throw malformed("has a chunk without a name", offset);
    if ((count === 0) !== (type === "IHDR") || (type === "IHDR" && length !== HEADER_BYTES)) throw malformed("does not begin with one header", offset);
    yield { type, data: file.subarray(offset + 8, end), at: offset + 8 };
    offset = end + 4;
    if (type !== "IEND") continue;
    if (length > 0 || offset !== file.length) throw malformed("goes on behind its end", offset);
    return;
  }
  throw malformed(`has more than ${MAX_CHUNKS} chunks`, offset);
}

type TextReader = (body: Buffer, at: number, budget: number) => string;

/** By chunk type, the text behind its key and the zero that ends it. */
const readers: ReadonlyMap<string, TextReader> = new Map<string, TextReader>([
  ["tEXt", (body) => body.toString("latin1")],
  // method 0 · deflated Latin-1
  ["zTXt", (body, at, budget) => {
    if (body[0] !== 0) throw malformed("has a text compressed in an unknown way", at);
    return inflate(body.subarray(1), at, budget).toString("latin1");
  }],
  // compressed? · method 0 · language · 0 · translated key · 0 · UTF-8
  ["iTXt", (body, at, budget) => {
    const [compressed, method] = body;
    if ((compressed !== 0 && compressed !== 1) || method !== 0) throw malformed("has a text compressed in an unknown way", at);
    const start = zeroIn(body, zeroIn(body, 2, at) + 1, at) + 1;
    return utf8(compressed ? inflate(body.subarray(start), at, budget) : body.subarray(start), at);
  }],
]);

function zeroIn(data: Buffer, start: number, at: number): number {
  const index = data.indexOf(0, start);
  if (index < 0) throw malformed("has a text that breaks off", at);
  return index;
}

function inflate(data: Buffer, at: number, budget: number): Buffer {
  try {
    return inflateSync(data, { maxOutputLength: budget });
  } catch (cause) {
    if ((cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE") throw tooMuchText(at);
    throw malformed("has a compressed text that cannot be read", at, cause);
  }
}

function utf8(bytes: Buffer, at: number): string {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch (cause) {
    throw malformed("has a text that is not UTF-8", at, cause);
  }
}

const malformed = (what: string, offset: number, cause?: unknown): AppError =>
  new AppError("bad_request", `This PNG ${what} (byte ${offset}); take the file from where it was first saved.`, { offset }, cause);

const tooMuchText = (offset: number): AppError =>
  new AppError("bad_request", `This PNG carries more than ${MAX_TEXT_BYTES / 2 ** 20} MiB of text; save it again without.`, { offset, limit: MAX_TEXT_BYTES });
