import { promisify } from "node:util";
import { deflate } from "node:zlib";
import { chunk, headerOf } from "./png.ts";
import { signature } from "./png-text.ts";
import type { Picture } from "./rgb.ts";

/** A PNG with nothing but its pixels, made while somebody waits: packed loosely, and not on the thread that answers others. */
export async function encodePlainPng(picture: Picture): Promise<Uint8Array> {
  const rowBytes = 3 * picture.width;
  const rows = Buffer.alloc((rowBytes + 1) * picture.height);
  for (let y = 0; y < picture.height; y++)
    rows.set(picture.rgb.subarray(y * rowBytes, (y + 1) * rowBytes), y * (rowBytes + 1) + 1);
  const packed = await promisify(deflate)(rows, { level: 4 });
  return Buffer.concat([
    signature,
    chunk("IHDR", headerOf(picture)),
    chunk("IDAT", packed),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}
