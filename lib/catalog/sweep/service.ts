import { env } from "#lib/env.ts";
import { forgetDeviceTime } from "#lib/queue/own-limits.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { before, LISTED_EVERY_SECONDS, ORPHAN_MULTIPART_SECONDS, ORPHAN_SECONDS } from "./limits.ts";
import {
  blobsToPurge,
  deleteBlob,
  deletePreviews,
  deleteRepo,
  expireUploads,
  forgetUploads,
  forgetVisitors,
  knownKeys,
  knownMultiparts,
  lastListed,
  markCleared,
  markPurging,
  markUnused,
  noteListed,
  reposToPurge,
  uploadsToClear,
} from "./repository.ts";

/**
 * What goes, and when. Rows go before the bytes that they name, a blob's row after its object; killed at any step, the next sweep
 * goes on there. `now` is the time by which it is judged.
 */

const AT_ONCE = 500;

/** Uploads whose time is over end, and what ended uploads have in the store is removed. */
export async function sweepUploads(now: Date): Promise<{ expired: number; cleared: number }> {
  const expired = await expireUploads(now);
  const store = objectStore();
  let cleared = 0;
  for (let batch = await uploadsToClear(AT_ONCE); batch.length > 0; batch = await uploadsToClear(AT_ONCE)) {
    for (const { id, storageKey, storageId, isBlob } of batch) {
      if (!isBlob) {
        if (storageId !== null) await store.abortMultipart(storageKey, storageId);
        await store.delete(storageKey);
      }
      await markCleared(id, now);
      cleared++;
    }
  }
  return { expired, cleared };
}

/** Bytes that nothing has named for the whole grace. @returns how many contents and bytes went */
export async function purgeBlobs(now: Date): Promise<{ blobs: number; bytes: number }> {
  const unusedBefore = before(now, env().graceSeconds);
  let [blobs, bytes] = [0, 0];
  for (
    let batch = await blobsToPurge(unusedBefore, AT_ONCE);
    batch.length > 0;
    batch = await blobsToPurge(unusedBefore, AT_ONCE)
  ) {
    for (const { sha256, size, storageKey } of batch) {
      if (!(await markPurging(sha256, unusedBefore))) continue;
      failpoint("purge.marked");
      await objectStore().delete(storageKey);
      failpoint("purge.object");
      await deleteBlob(sha256);
      blobs++;
      bytes += Number(size);
    }
  }
  return { blobs, bytes };
}

/** Repos that were deleted longer than the grace ago. */
export async function purgeRepos(now: Date): Promise<number> {
  const repos = await reposToPurge(before(now, env().graceSeconds));
  for (const { id } of repos) await deleteRepo(id);
  return repos.length;
}

export const sweepPreviews = deletePreviews;

const KEPT_UPLOAD_SECONDS = 30 * 86_400; // so long an Idempotency-Key finds an upload that has ended
const KEPT_VISITOR_SECONDS = 2 * 86_400;

export async function forgetOld(now: Date): Promise<void> {
  await forgetUploads(before(now, KEPT_UPLOAD_SECONDS));
  await forgetDeviceTime();
  await forgetVisitors(before(now, KEPT_VISITOR_SECONDS));
}

/**
 * Looks at every blob and every object: what nothing names begins its grace, what no row names goes. Once an hour, of all workers of the
 * hub by whichever sweeps then; before that it does nothing.
 */
export async function sweepStore(now: Date): Promise<{ objects: number; multiparts: number }> {
  const last = await lastListed();
  if (last && Math.abs(now.getTime() - last.getTime()) < LISTED_EVERY_SECONDS * 1000)
    return { objects: 0, multiparts: 0 };
  await markUnused(now);
  const store = objectStore();
  const oldObject = before(now, Math.max(ORPHAN_SECONDS, env().graceSeconds));
  const objects = await removeUnknown(
    store.list(),
    ({ modifiedAt }) => modifiedAt < oldObject,
    ({ key }) => key,
    knownKeys,
    ({ key }) => store.delete(key),
  );
  const oldMultipart = before(now, ORPHAN_MULTIPART_SECONDS);
  const multiparts = await removeUnknown(
    store.listMultiparts(),
    ({ startedAt }) => startedAt < oldMultipart,
    ({ storageId }) => storageId,
    knownMultiparts,
    ({ key, storageId }) => store.abortMultipart(key, storageId),
  );
  await noteListed(now);
  return { objects, multiparts };
}

async function removeUnknown<T>(
  listed: AsyncIterable<T>,
  isOld: (one: T) => boolean,
  nameOf: (one: T) => string,
  known: (names: string[]) => Promise<Set<string>>,
  remove: (one: T) => Promise<void>,
): Promise<number> {
  let count = 0;
  let batch: T[] = [];
  const flush = async (): Promise<void> => {
    const names = await known(batch.map(nameOf));
    const unknown = batch.filter((one) => !names.has(nameOf(one)));
    batch = [];
    for (const one of unknown) await remove(one);
    count += unknown.length;
  };
  for await (const one of listed) {
    if (isOld(one)) batch.push(one);
    if (batch.length === AT_ONCE) await flush();
  }
  if (batch.length > 0) await flush();
  return count;
}
