import { ContentHasher } from "#lib/catalog/blobs/hasher.ts";
import { before, LISTED_EVERY_SECONDS, ORPHAN_MULTIPART_SECONDS, ORPHAN_SECONDS } from "#lib/catalog/sweep/limits.ts";
import type { Database } from "#lib/db/client.ts";
import type { ObjectStore } from "#lib/storage/store.ts";
import {
  type CheckedBlob,
  countRows,
  danglingRefs,
  type Fault,
  isBlob,
  quotaDrift,
  readBlobs,
  readKeys,
  readMultiparts,
  stuckStates,
  unreferencedBlobs,
} from "./repository.ts";

export interface FsckOptions {
  readonly database: Database;
  readonly store: ObjectStore;
  readonly graceSeconds: number;
  /** Reads every byte of every blob again. */
  readonly deep: boolean;
  readonly now?: Date;
  readonly signal?: AbortSignal;
}

/** Rows and bytes agree when every list is empty. */
export interface FsckReport {
  /** Contents whose object is not in the store: their bytes are lost. */
  readonly missingObjects: readonly { readonly sha256: string; readonly storageKey: string }[];
  readonly wrongSize: readonly { readonly sha256: string; readonly expected: number; readonly actual: number }[];
  /** Contents whose bytes are not what they were; looked for only when asked to. */
  readonly hashMismatch: readonly { readonly sha256: string; readonly actual: string }[];
  readonly danglingRefs: readonly Fault[];
  /** What the sweeper should have removed. */
  readonly unreferencedPastGrace: readonly string[];
  readonly orphanObjects: readonly string[];
  readonly orphanMultiparts: readonly string[];
  readonly stuckStates: readonly Fault[];
  /** What is kept of how much each namespace has, where that is not what there is. */
  readonly quotaDrift: readonly Fault[];
  readonly checked: {
    readonly blobs: number;
    readonly bytes: number;
    readonly objects: number;
    readonly uploads: number;
    readonly commits: number;
  };
}

/** The sweeper comes once a minute, and may be busy. */
const SLACK_SECONDS = 600;

/** Compares every row with the store, and the store with the rows, while the hub goes on. Changes nothing. */
export async function fsck({
  database,
  store,
  graceSeconds,
  deep,
  now = new Date(),
  signal,
}: FsckOptions): Promise<FsckReport> {
  const objects = new Map<string, { size: number; modifiedAt: Date }>();
  for await (const { key, size, modifiedAt } of store.list()) objects.set(key, { size, modifiedAt });

  const missingObjects: { sha256: string; storageKey: string }[] = [];
  const wrongSize: { sha256: string; expected: number; actual: number }[] = [];
  const hashMismatch: { sha256: string; actual: string }[] = [];
  let [blobs, bytes] = [0, 0];
  for await (const blob of readBlobs(database)) {
    signal?.throwIfAborted();
    const { sha256, storageKey, size } = blob;
    blobs++;
    bytes += size;
    const facts = objects.get(storageKey) ?? (await store.head(storageKey)); // one that came since
    if (!facts) {
      if (await isBlob(database, sha256)) missingObjects.push({ sha256, storageKey });
    } else if (facts.size !== size) wrongSize.push({ sha256, expected: size, actual: facts.size });
    else if (deep) {
      const actual = await hashAgain(store, blob, signal);
      if (actual !== null) hashMismatch.push({ sha256, actual });
    }
  }

  const hourlySlack = LISTED_EVERY_SECONDS + SLACK_SECONDS;
  const oldObject = before(now, Math.max(ORPHAN_SECONDS, graceSeconds) + hourlySlack);
  const keys = await readKeys(database);
  const orphanObjects = [...objects]
    .filter(([key, { modifiedAt }]) => modifiedAt < oldObject && !keys.has(key))
    .map(([key]) => key);

  const orphanMultiparts: string[] = [];
  const multiparts = await readMultiparts(database);
  for await (const { storageId, startedAt } of store.listMultiparts()) {
    if (startedAt < before(now, ORPHAN_MULTIPART_SECONDS + hourlySlack) && !multiparts.has(storageId))
      orphanMultiparts.push(storageId);
  }

  return {
    missingObjects,
    wrongSize,
    hashMismatch,
    danglingRefs: await danglingRefs(database),
    unreferencedPastGrace: await unreferencedBlobs(database, before(now, graceSeconds + SLACK_SECONDS)),
    orphanObjects,
    orphanMultiparts,
    stuckStates: await stuckStates(database, before(now, SLACK_SECONDS), before(now, graceSeconds + SLACK_SECONDS)),
    quotaDrift: await quotaDrift(database),
    checked: { blobs, bytes, objects: objects.size, ...(await countRows(database)) },
  };
}

export const isSound = (report: FsckReport): boolean =>
  Object.values(report).every((part) => !Array.isArray(part) || part.length === 0);

/** Null where the bytes are what they were; else the sha256 of what is there. */
async function hashAgain(
  store: ObjectStore,
  { sha256, size, gitSha1, storageKey }: CheckedBlob,
  signal?: AbortSignal,
): Promise<string | null> {
  const hasher = new ContentHasher(size);
  for await (const piece of await store.read(storageKey, undefined, signal)) hasher.update(piece as Uint8Array);
  const actual = hasher.digest();
  return actual.sha256 === sha256 && actual.gitSha1 === gitSha1 ? null : actual.sha256;
}
