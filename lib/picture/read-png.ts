import { convertIndexedToRgb, decode, type DecodedPng } from "fast-png";
import { AppError } from "#lib/errors.ts";
import type { Picture } from "./rgb.ts";

export type Transparency = "dropped" | "over white";

const MAX_SIDE = 4096;
const MAX_BYTES = 2 ** 26;

/**
 * The pixels of a PNG as 8-bit RGB, as PIL's `convert("RGB")` has them: grey is all three, of 16 bits the upper 8 are kept. Two things
 * are read as they are meant, where PIL 13.0 loses the picture: grey of 16 bits, and a transparent colour at another depth than 8.
 * `name` is how messages name the file.
 *
 * @param transparency  `dropped`, as diffusers does it, or laid `over white`, as transformers' image processors do
 * @throws bad_request for what is no PNG, is broken, or has a side above 4,096 pixels
 */
export function readPng(bytes: Uint8Array, name: string, transparency: Transparency = "dropped"): Picture {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const isPng = bytes.length >= 24 && view.getUint32(0) === 0x89504e47 && view.getUint32(12) === 0x49484452;
  if (!isPng) throw new AppError("bad_request", `${name} is not a PNG; convert the picture to one.`);
  const [width, height] = [view.getUint32(16), view.getUint32(20)];
  if (width > MAX_SIDE || height > MAX_SIDE || bytes.length > MAX_BYTES) {
    const sentence = `${name} has ${width} × ${height} pixels in ${bytes.length} bytes, more than is read`;
    throw new AppError("bad_request", `${sentence}; give a picture of at most ${MAX_SIDE} pixels a side.`);
  }
  let decoded: DecodedPng;
  try {
    decoded = decode(bytes);
  } catch (cause) {
    throw new AppError("bad_request", `${name} is a broken PNG; save the picture again.`, {}, cause);
  }
  return { width, height, rgb: toRgb(decoded, transparency) };
}

function toRgb(decoded: DecodedPng, transparency: Transparency): Uint8Array {
  const { width, height, depth, channels } = decoded;
  const data = decoded.palette ? convertIndexedToRgb(decoded) : depth < 8 ? unpacked(decoded) : decoded.data;
  const perPixel = decoded.palette ? data.length / (width * height) : channels;
  const scale = decoded.palette || depth === 8 ? 1 : 255 / (2 ** depth - 1);
  const toByte = (value: number): number => (depth === 16 && !decoded.palette ? value >> 8 : Math.round(value * scale));
  const rgb = new Uint8Array(3 * width * height);
  const isGrey = perPixel < 3;
  const hasAlpha = perPixel === 2 || perPixel === 4;
  const key = decoded.transparency?.length ? decoded.transparency : null; // the one colour that is to be seen through
  const alphaAt = (at: number): number => {
    if (transparency === "dropped") return 255;
    if (hasAlpha) return toByte(data[at + perPixel - 1]!);
    return key?.every((value, channel) => value === data[at + channel]) ? 0 : 255;
  };
  for (let i = 0; i < width * height; i++) {
    const at = i * perPixel;
    const alpha = alphaAt(at);
    for (let channel = 0; channel < 3; channel++)
      rgb[3 * i + channel] = overWhite(toByte(data[at + (isGrey ? 0 : channel)]!), alpha);
  }
  return rgb;
}

/** Grey of 1, 2 or 4 bits, of which several share a byte; each row begins with a new one. */
function unpacked({ data, width, height, depth }: DecodedPng): Uint8Array {
  const rowBytes = Math.ceil((width * depth) / 8);
  const out = new Uint8Array(width * height);
  for (let i = 0; i < out.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const shift = 8 - depth - ((x * depth) % 8);
    out[i] = (data[y * rowBytes + Math.floor((x * depth) / 8)]! >> shift) & (2 ** depth - 1);
  }
  return out;
}

/** PIL's `alpha_composite` on opaque white, in its whole numbers. */
function overWhite(byte: number, alpha: number): number {
  const sum = (byte * alpha + 255 * (255 - alpha)) * 128 + (0x80 << 7);
  return (((sum >> 8) + sum) >> 8) >> 7;
}
