import type { StoredBlob } from "./fetch-blob.ts";

export interface HeldFile {
  /** Absolute. The bytes there are the blob's until it is released; nobody may write to it. */
  readonly path: string;
  /** Once or more often. */
  release(): void;
}

/** Blobs as files, for what needs a path: networks are read by the runtime itself. */
export interface BlobFiles {
  /** @throws bytes_differ when the store has other bytes than were verified, internal when it has none; what the store throws */
  path(blob: StoredBlob): Promise<HeldFile>;
}
