import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";

/** Statements of the sweeper. Each is right whatever others do meanwhile, and right again when it is repeated. */

/** Uploads whose time is over, and those to a repo that was deleted. */
export async function expireUploads(now: Date): Promise<number> {
  return database().$executeRaw`
    UPDATE upload u SET state = 'expired', updated_at = now() FROM repo r
    WHERE r.id = u.repo_id AND u.state IN ('open', 'receiving', 'hashing', 'verified') AND (u.expires_at < ${now} OR r.deleted_at IS NOT NULL)`;
}

export interface StagedUpload {
  readonly id: string;
  readonly storageKey: string;
  readonly storageId: string | null;
  /** Whether what it staged became a blob, and stays. */
  readonly isBlob: boolean;
}

/** Uploads that ended and may still have something in the store. */
export const uploadsToClear = (limit: number): Promise<StagedUpload[]> => database().$queryRaw`
  SELECT u.id, u.storage_key AS "storageKey", u.storage_id AS "storageId", b.sha256 IS NOT NULL AS "isBlob"
  FROM upload u LEFT JOIN blob b ON b.storage_key = u.storage_key
  WHERE u.cleared_at IS NULL AND u.state NOT IN ('open', 'receiving', 'hashing') ORDER BY u.id LIMIT ${limit}`;

export async function markCleared(id: string, now: Date): Promise<void> {
  await database().upload.updateMany({ where: { id, clearedAt: null }, data: { clearedAt: now } });
}

/** Rows of uploads that ended long ago and left nothing but themselves. */
export async function forgetUploads(endedBefore: Date): Promise<number> {
  const { count } = await database().upload.deleteMany({
    where: {
      state: { in: ["linked", "failed", "aborted", "expired"] },
      clearedAt: { not: null },
      updatedAt: { lt: endedBefore },
    },
  });
  return count;
}

/** Nothing that is shown or waits names the blob of this alias. */
const isUnused = Prisma.sql`NOT EXISTS (SELECT FROM repo_blob WHERE blob_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM preview_image WHERE blob_sha256 = b.sha256)
  AND NOT EXISTS (SELECT FROM upload WHERE blob_sha256 = b.sha256 AND state = 'verified')`;

/** The grace of what nothing names begins, and that of what is named again ends. A blob that a commit is about to name is left for the next time. */
export async function markUnused(now: Date): Promise<void> {
  await database().$executeRaw`UPDATE blob SET unused_since = NULL WHERE sha256 IN (
    SELECT sha256 FROM blob b WHERE unused_since IS NOT NULL AND purging_at IS NULL AND NOT (${isUnused}) FOR NO KEY UPDATE SKIP LOCKED)`;
  await database().$executeRaw`UPDATE blob SET unused_since = ${now} WHERE sha256 IN (
    SELECT sha256 FROM blob b WHERE unused_since IS NULL AND ${isUnused} FOR NO KEY UPDATE SKIP LOCKED)`;
}

export interface UnusedBlob {
  readonly sha256: string;
  readonly size: bigint;
  readonly storageKey: string;
}

/** Blobs whose grace is over, and those of which a purge was begun. */
export const blobsToPurge = (unusedBefore: Date, limit: number): Promise<UnusedBlob[]> => database().$queryRaw`
  SELECT sha256, size, storage_key AS "storageKey" FROM blob
  WHERE unused_since IS NOT NULL AND (unused_since < ${unusedBefore} OR purging_at IS NOT NULL) ORDER BY unused_since LIMIT ${limit}`;

/**
 * From here on nobody can name the blob. The update locks the row as linking does, and the rule `blob_in_use` looks once more when
 * it has the lock. @returns false when it is used, or was kept meanwhile
 */
export async function markPurging(sha256: string, unusedBefore: Date): Promise<boolean> {
  try {
    const count = await database()
      .$executeRaw`UPDATE blob SET purging_at = coalesce(purging_at, now()) WHERE sha256 = ${sha256} AND (unused_since < ${unusedBefore} OR purging_at IS NOT NULL)`;
    return count > 0;
  } catch (cause) {
    if (violatedRule(cause) !== "blob_in_use") throw cause;
    await database().blob.updateMany({ where: { sha256, purgingAt: null }, data: { unusedSince: null } });
    return false;
  }
}

export async function deleteBlob(sha256: string): Promise<void> {
  await database().blob.deleteMany({ where: { sha256, purgingAt: { not: null } } });
}

/** Repos that were hidden before, once nothing of their uploads is left in the store: some of them, for there is another sweep in a minute. */
export const reposToPurge = (hiddenBefore: Date): Promise<{ id: string }[]> =>
  database().repo.findMany({
    where: { deletedAt: { lt: hiddenBefore }, uploads: { none: { clearedAt: null } } },
    orderBy: { deletedAt: "asc" },
    take: 1000,
    select: { id: true },
  });

/** With all its commits, refs, uploads and measurements. Its bytes have a grace of their own: other repos may have them too. */
export async function deleteRepo(id: string): Promise<void> {
  await inTransaction(database(), async (transaction) => {
    const { count } = await transaction.repo.deleteMany({ where: { id, deletedAt: { not: null } } });
    if (count > 0) await audit(transaction, { kind: "hub" }, "repo.purge", id);
  });
}

export async function deletePreviews(now: Date): Promise<number> {
  return (await database().preview.deleteMany({ where: { expiresAt: { lt: now } } })).count;
}

export async function forgetVisitors(before: Date): Promise<number> {
  await database().downloadNetwork.deleteMany({ where: { day: { lt: before } } });
  return (await database().downloadSeen.deleteMany({ where: { day: { lt: before } } })).count;
}

/** Those of the keys that a row names, or an upload may still bring. */
export async function knownKeys(keys: readonly string[]): Promise<Set<string>> {
  const rows = await database().$queryRaw<{ key: string }[]>`
    SELECT storage_key AS key FROM blob WHERE storage_key = ANY (${keys})
    UNION SELECT storage_key FROM upload WHERE storage_key = ANY (${keys}) AND cleared_at IS NULL
    UNION SELECT checkpoint_key FROM job WHERE checkpoint_key = ANY (${keys})
    UNION SELECT storage_key FROM kept_piece WHERE storage_key = ANY (${keys})
    UNION SELECT storage_key FROM distillation_sample WHERE storage_key = ANY (${keys})`;
  return new Set(rows.map(({ key }) => key));
}

/** Those of the store's uploads that parts may come for, or that are still to be cleared. */
export async function knownMultiparts(storageIds: readonly string[]): Promise<Set<string>> {
  const rows = await database().upload.findMany({
    where: { storageId: { in: [...storageIds] }, clearedAt: null },
    select: { storageId: true },
  });
  return new Set(rows.map(({ storageId }) => storageId!));
}

const LISTING = { what: "listing" } as const;

/** When the store was last listed as a whole, by whichever worker; null before the first time. */
export async function lastListed(): Promise<Date | null> {
  return (await database().hubClock.findUnique({ where: LISTING }))?.doneAt ?? null;
}

export async function noteListed(doneAt: Date): Promise<void> {
  await database().hubClock.upsert({ where: LISTING, create: { ...LISTING, doneAt }, update: { doneAt } });
}
