import { buffer } from "node:stream/consumers";
import { formatOf, HEAD_BYTES, refuseBinary } from "#lib/catalog/blobs/format.ts";
import { type ContentDigest, ContentHasher, type ContentHashes, namesOf } from "#lib/catalog/blobs/hasher.ts";
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
 * piece with how many bytes are done. Where all bytes were hashed while they came, `known` says what was found, and no more is read than
 * shows the format. @throws malformed_weights, unsupported_model for what the hub does not store
 */
export async function readContent(
  content: StoredContent,
  known: ContentDigest | null,
  signal: AbortSignal,
  onRead: (done: number) => Promise<void>,
): Promise<ContentHashes> {
  const { name, size } = content;
  const source = storeSource(content, signal);
  const isWeights = /\.safetensors$/i.test(name);
  const format = isWeights ? "safetensors" : formatOf(await source.read(0, Math.min(HEAD_BYTES, size)), size, name);
  if (format === "safetensors") await readHeader(source);
  const digest = known ?? (await digestOf(content, signal, onRead));
  if (format === "text" && !digest.isText) refuseBinary(name);
  return namesOf(digest, format === "safetensors");
}

async function digestOf(
  { key, size }: StoredContent,
  signal: AbortSignal,
  onRead: (done: number) => Promise<void>,
): Promise<ContentDigest> {
  const hasher = new ContentHasher(size);
  for await (const piece of await objectStore().read(key, undefined, signal)) {
    hasher.update(piece as Uint8Array);
    await onRead(hasher.seen);
  }
  return hasher.digest();
}

const storeSource = ({ name, key, size }: StoredContent, signal: AbortSignal): ByteSource => ({
  name,
  size,
  read: async (begin, end) => new Uint8Array(await buffer(await objectStore().read(key, { begin, end }, signal))),
});
