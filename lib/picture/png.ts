import { constants, crc32, deflateSync, inflateSync } from "node:zlib";
import { type Deflated, HEADER_BYTES, type Inflated, pngTexts, signature } from "./png-text.ts";
import type { Picture } from "./rgb.ts";

/**
 * A PNG with `text` in front of the pixels, where readers that stop at the first of them still find it. Keys are 1 to 79
 * Latin-1 characters. Our own because fast-png writes Latin-1 text only, and behind the pixels.
 *
 *   signature · IHDR · one tEXt (ASCII) or iTXt (UTF-8) for each entry · IDAT · IEND      W3C PNG, third edition
 */
export function encodePng({ width, height, rgb }: Picture, text: ReadonlyMap<string, string>): Uint8Array {
  if (!isSide(width) || !isSide(height) || rgb.length !== 3 * width * height) {
    throw new RangeError(`encodePng: ${rgb.length} bytes do not fill ${width} × ${height} pixels of three channels`);
  }
  return Buffer.concat([
    signature,
    chunk("IHDR", headerOf({ width, height })),
    ...Array.from(text, ([key, value]) => textChunk(key, value)),
    chunk("IDAT", deflateSync(filterRows(rgb, 3 * width), { level: constants.Z_BEST_COMPRESSION })),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

/** The text of a PNG by its key, as `pngTexts` reads it. */
export function readPngText(bytes: Uint8Array): Map<string, string> {
  const reading = pngTexts(bytes);
  for (let step = reading.next(); ; step = reading.next(inflated(step.value))) if (step.done) return step.value;
}

function inflated({ data, limit }: Deflated): Inflated {
  try {
    return inflateSync(data, { maxOutputLength: limit });
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "ERR_BUFFER_TOO_LARGE" ? "too long" : { cause };
  }
}

const MAX_SIDE = 2 ** 31 - 1;

const isSide = (length: number): boolean => Number.isInteger(length) && length >= 1 && length <= MAX_SIDE;

/** What stands in an IHDR: 8 bits a channel, RGB, deflate, the five filters, not interlaced. */
export function headerOf({ width, height }: Pick<Picture, "width" | "height">): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8);
  return header;
}

/** A length, a name, bytes and their checksum. */
export function chunk(type: string, data: Uint8Array): Buffer {
  const out = Buffer.alloc(12 + data.length);
  out.writeUInt32BE(data.length, 0);
  out.write(type, 4, "latin1");
  out.set(data, 8);
  out.writeUInt32BE(crc32(out.subarray(4, -4)), 8 + data.length);
  return out;
}

function textChunk(key: string, value: string): Buffer {
  if (!/^[\x21-\x7e\xa1-\xff](?:[\x20-\x7e\xa1-\xff]{0,77}[\x21-\x7e\xa1-\xff])?$/.test(key)) {
    throw new RangeError(
      `encodePng: ${JSON.stringify(key)} cannot name a text; use 1 to 79 printable Latin-1 characters`,
    );
  }
  const keyword = Buffer.from(`${key}\0`, "latin1");
  return /^[\n\x20-\x7e]*$/.test(value) // beyond ASCII some readers take a tEXt for UTF-8, as we do where it is
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
