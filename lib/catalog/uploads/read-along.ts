import { LRUCache } from "lru-cache";
import { setTimeout as sleep } from "node:timers/promises";
import { type ContentDigest, ContentHasher } from "#lib/catalog/blobs/hasher.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import type { StoredPart } from "#lib/storage/store.ts";
import { Turns } from "#lib/storage/turns.ts";
import { partCountOf } from "./parts.ts";
import { findArriving, type UploadRow } from "./repository.ts";

/**
 * On a disk, the parts of an upload are read in their order while others still come: by the time the last one is there, nearly all of it is
 * hashed, and what is read was written a moment ago, so no disk turns for it. What is known of an upload is in this process alone; where it
 * is lost, or another process took the parts, they are read once more, here or by a worker. Which sending of each part was read is compared
 * with what the object is made of at the end.
 */
interface Followed {
  readonly hasher: ContentHasher;
  /** Of the parts that were read, in their order. */
  readonly tags: string[];
  readonly partCount: number;
}

const FOLLOWED = 1000; // some kilobytes each
/** An upload of which more is there when it is first seen is left to a worker: else each part could make a process read all before it. */
const BEGUN_PARTS = 16;
const PATIENCE_MS = 5_000;
const AT_ONCE = 2; // hashing takes the thread that answers requests, half a millisecond at a time

/** Null for one that is left to a worker. */
type State = { readonly followed: Followed | null };

// Next may load this module more than once in one process; what was read must be the same.
const shared = globalThis as { guidepostReadAlong?: ReturnType<typeof makeShared> };
const { states, turns, readers } = (shared.guidepostReadAlong ??= makeShared());

function makeShared() {
  return { states: new LRUCache<string, State>({ max: FOLLOWED }), turns: new Turns(), readers: new Turns() };
}

let nextReader = 0;

/** A part has come: reads on, as far as parts follow each other. Not waited for. */
export function partCame(storageKey: string, storageId: string): void {
  void catchUp(storageKey, storageId);
}

export interface ReadParts {
  readonly digest: ContentDigest;
  readonly tags: readonly string[];
}

/** What all bytes were found to be; null where that takes longer than somebody waits, and a worker reads them. */
export async function readParts({ storageKey, storageId, ...row }: UploadRow): Promise<ReadParts | null> {
  if (storageId === null) return null;
  const late = new AbortController();
  const isLate = sleep(PATIENCE_MS, true, { signal: late.signal });
  if (await Promise.race([catchUp(storageKey, storageId), isLate])) states.set(storageKey, { followed: null });
  late.abort();
  const followed = states.get(storageKey)?.followed;
  if (!followed || followed.tags.length < partCountOf(row) || followed.hasher.seen !== row.size) return null;
  states.delete(storageKey);
  return { digest: followed.hasher.digest(), tags: followed.tags };
}

async function catchUp(storageKey: string, storageId: string): Promise<void> {
  const store = objectStore();
  if (store.kind !== "disk" || states.get(storageKey)?.followed === null) return;
  await turns
    .take(storageKey, async () => {
      const parts = await store.listParts(storageKey, storageId);
      const state = states.get(storageKey) ?? (await begin(storageKey, parts));
      states.set(storageKey, state);
      const { followed } = state;
      if (followed === null) return;
      while (states.get(storageKey) === state) {
        const part = parts[followed.tags.length];
        if (part?.number !== followed.tags.length + 1 || part.number > followed.partCount) return;
        await readers.take(String(nextReader++ % AT_ONCE), () =>
          read(store as DiskStore, storageKey, storageId, part, followed),
        );
      }
    })
    .catch(() => states.delete(storageKey)); // it has ended, the part was sent again, or the disk is away: a worker reads it
}

async function begin(storageKey: string, parts: readonly StoredPart[]): Promise<State> {
  const row = parts.length > BEGUN_PARTS ? null : await findArriving(storageKey);
  return { followed: row && { hasher: new ContentHasher(row.size), tags: [], partCount: partCountOf(row) } };
}

async function read(
  store: DiskStore,
  key: string,
  storageId: string,
  part: StoredPart,
  { hasher, tags }: Followed,
): Promise<void> {
  for await (const bytes of store.readPart(key, storageId, part)) hasher.update(bytes);
  tags.push(part.tag);
}
