import { LRUCache } from "lru-cache";
import { readBeginning } from "#lib/catalog/blobs/service.ts";
import { type NotRead, shownInTime } from "#lib/catalog/shown-in-time.ts";
import type { FileRow } from "./repository.ts";

/** Of a file that a page shows. */
export const MAX_TEXT_BYTES = 256 * 1024;
const KEPT_CHARACTERS = 16 * 2 ** 20;

/** The beginning of a file as text, null for what is no text; or that it has not come yet, and why. */
export type ShownText = { readonly isRead: true; readonly text: string | null; readonly isCut: boolean } | NotRead;

type Wanted = Pick<FileRow, "sha256" | "size" | "storageKey">;

// By the sha256 of what was read, which never changes. Those who ask for the same at once wait for one reading.
const kept = new LRUCache<string, { readonly text: string | null }, Wanted>({
  maxSize: KEPT_CHARACTERS,
  sizeCalculation: ({ text }) => (text?.length ?? 0) + 100,
  ignoreFetchAbort: true,
  fetchMethod: async (_sha256, _before, { context: file }) => {
    const bytes = await readBeginning(file, MAX_TEXT_BYTES);
    return { text: toText(bytes, file.size > MAX_TEXT_BYTES) };
  },
});

/** What a page shows of a file, which never waits for the store: what was shown lately is here, anything else comes in time or later. */
export const showText = (file: Wanted): Promise<ShownText> =>
  shownInTime(
    kept.forceFetch(file.sha256, { context: file }).then(({ text }) => ({ text, isCut: file.size > MAX_TEXT_BYTES })),
    COMING,
    "text.not_read",
  );

const COMING = "The store is slow to answer; look again in a few seconds.";

function toText(bytes: Uint8Array, isCut: boolean): string | null {
  if (bytes.includes(0)) return null;
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut });
  } catch {
    return null;
  }
}
