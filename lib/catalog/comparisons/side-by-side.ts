import { buffer } from "node:stream/consumers";
import { LRUCache } from "lru-cache";
import { objectStore } from "#lib/storage/open-store.ts";
import { encodePlainPng } from "#lib/picture/plain-png.ts";
import { readPng } from "#lib/picture/read-png.ts";
import type { Picture } from "#lib/picture/rgb.ts";

export interface PlacedBlob {
  readonly sha256: string;
  readonly storageKey: string;
  readonly size: number;
}

/**
 * Two pictures as one, without a word in it: from one address, in one answer, so that neither its name, nor how many bytes it is, nor
 * how long it takes says of one half more than of the other. The last few are kept, for a browser asks for both halves.
 */
export async function sideBySide(first: PlacedBlob, second: PlacedBlob): Promise<Uint8Array> {
  const key = `${first.sha256} ${second.sha256}`;
  return await kept.forceFetch(key, { context: [first, second] });
}

const MOST_KEPT = 32e6; // bytes: 300 questions of the starter, 8 of SDXL

const kept = new LRUCache<string, Uint8Array, readonly [first: PlacedBlob, second: PlacedBlob]>({
  maxSize: MOST_KEPT,
  sizeCalculation: ({ length }) => length,
  ignoreFetchAbort: true,
  fetchMethod: async (_key, _before, { context: [first, second] }) =>
    encodePlainPng(join(await read(first), await read(second))),
});

async function read({ storageKey, size }: PlacedBlob): Promise<Picture> {
  return readPng(await buffer(await objectStore().read(storageKey, { begin: 0, end: size })), "a picture of the hub");
}

/** Of one height. */
function join(left: Picture, right: Picture): Picture {
  const width = left.width + right.width;
  const rgb = new Uint8Array(3 * width * left.height);
  for (let y = 0; y < left.height; y++) {
    rgb.set(left.rgb.subarray(3 * y * left.width, 3 * (y + 1) * left.width), 3 * y * width);
    rgb.set(right.rgb.subarray(3 * y * right.width, 3 * (y + 1) * right.width), 3 * (y * width + left.width));
  }
  return { width, height: left.height, rgb };
}
