import { buffer } from "node:stream/consumers";
import { formatOf, HEAD_BYTES, refuseBinary } from "#lib/catalog/blobs/format.ts";
import { ContentHasher, type ContentHashes } from "#lib/catalog/blobs/hasher.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import type { ByteSource } from "#lib/weights/byte-source.ts";
import { readHeader } from "#lib/weights/safetensors.ts";

export interface StoredContent {
  /** How messages name it; one that ends with .safetensors must be such a file. */
  readonly name: string;
  readonly key: string;
  readonly size: number;
}

/**
 * Reads every byte of an object once, in constant memory, and says how its content is called. `onRead` is waited for after each
 * piece with how many bytes are done. @throws malformed_weights, unsupported_model for what the hub does not store
 */
export async function readContent(
  content: StoredContent,
  signal: AbortSignal,
  onRead: (done: number) => Promise<void>,
): Promise<ContentHashes> {
  const { name, key, size } = content;
  const source = storeSource(content, signal);
  const isWeights = /\.safetensors$/i.test(name);
  const format = isWeights ? "safetensors" : formatOf(await source.read(0, Math.min(HEAD_BYTES, size)), size, name);
  const dataBegin = format === "safetensors" ? (await readHeader(source)).dataBegin : null;
  const requireText = format === "text" ? textReader(name) : null;

  const hasher = new ContentHasher(size, dataBegin);
  let done = 0;
  for await (const piece of await objectStore().read(key, undefined, signal)) {
    const bytes = piece as Uint8Array;
    hasher.update(bytes);
    done += bytes.byteLength;
    requireText?.(bytes, done === size);
    await onRead(done);
  }
  return hasher.digest();
}

const storeSource = ({ name, key, size }: StoredContent, signal: AbortSignal): ByteSource => ({
  name,
  size,
  read: async (begin, end) => new Uint8Array(await buffer(await objectStore().read(key, { begin, end }, signal))),
});

/** Takes a text piece by piece. A NUL is valid UTF-8 and in no text. */
function textReader(name: string): (bytes: Uint8Array, isLast: boolean) => void {
  const decoder = new TextDecoder("utf-8", { fatal: true });
  return (bytes, isLast) => {
    try {
      decoder.decode(bytes, { stream: !isLast });
    } catch {
      refuseBinary(name);
    }
    if (bytes.includes(0)) refuseBinary(name);
  };
}
