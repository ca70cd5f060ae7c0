import { convertIndexedToRgb, decode, type DecodedPng } from "fast-png";
import { AppError } from "#lib/errors.ts";
import type { Picture } from "./rgb.ts";

const MAX_SIDE = 4096;
const MAX_BYTES = 2 ** 26;

/**
 * The pixels of a PNG as 8-bit RGB, as PIL's `convert("RGB")` has them: grey is all three, transparency is dropped, of 16 bits the
 * upper 8 are kept. `name` is how messages name the file.
 *
 * @throws bad_request for what is no PNG, is broken, or has a side above 4,096 pixels
 */
export function readPng(bytes: Uint8Array, name: string): Picture {
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
  return { width, height, rgb: toRgb(decoded) };
}

function toRgb(decoded: DecodedPng): Uint8Array {
  const { width, height, depth, channels } = decoded;
  const data = decoded.palette ? convertIndexedToRgb(decoded) : decoded.data;
  const perPixel = decoded.palette ? data.length / (width * height) : channels;
  const scale = decoded.palette || depth === 8 ? 1 : 255 / (2 ** depth - 1);
  const toByte = (value: number): number => (depth === 16 && !decoded.palette ? value >> 8 : Math.round(value * scale));
  const rgb = new Uint8Array(3 * width * height);
  const isGrey = perPixel < 3;
  for (let i = 0; i < width * height; i++) {
    for (let channel = 0; channel < 3; channel++)
      rgb[3 * i + channel] = toByte(data[i * perPixel + (isGrey ? 0 : channel)]!);
  }
  return rgb;
}
