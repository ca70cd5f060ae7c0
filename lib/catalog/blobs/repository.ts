import { type Database, database } from "#lib/db/client.ts";
import type { HashAlgorithm } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { ContentHashes } from "./hasher.ts";

export interface BlobRow {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly storageKey: string;
  /** What the store called this version of the object. */
  readonly storageTag: string | null;
  readonly gitSha1: string;
}

const columns = { sha256: true, size: true, storageKey: true, storageTag: true, gitSha1: true } as const;
const toRow = (row: Omit<BlobRow, "size"> & { size: bigint }): BlobRow => ({ ...row, size: Number(row.size) });

/** Null also for one that is being purged. */
export async function findBlobRow(sha256: string): Promise<BlobRow | null> {
  const row = await database().blob.findFirst({ where: { sha256, purgingAt: null }, select: columns });
  return row && toRow(row);
}

export async function findByHash(algorithm: HashAlgorithm, value: string): Promise<BlobRow | null> {
  const row = await database().blob.findFirst({
    where: { purgingAt: null, hashes: { some: { algorithm, value } } },
    orderBy: { createdAt: "asc" },
    select: columns,
  });
  return row && toRow(row);
}

/**
 * Makes the row where no other has this content. @returns false where one has: its object is then the content's, and ours is for
 * the sweeper
 */
export async function insertBlob(
  client: Database | Transaction,
  { sha256, gitSha1, others }: ContentHashes,
  object: { readonly size: number; readonly storageKey: string; readonly storageTag: string },
): Promise<boolean> {
  // One statement, so that a blob never lacks its other names. No conflict target: two
  // unique indexes hold the sha256, and two who store the same content at once meet on either.
  const rows = await client.$queryRaw<unknown[]>`
    WITH made AS (
      INSERT INTO blob (sha256, size, storage_key, storage_tag, git_sha1, verified_at)
      VALUES (${sha256}, ${BigInt(object.size)}, ${object.storageKey}, ${object.storageTag}, ${gitSha1}, now())
      ON CONFLICT DO NOTHING RETURNING sha256
    ), named AS (
      INSERT INTO blob_hash (blob_sha256, algorithm, value)
      SELECT made.sha256, other.* FROM made, unnest(${[...others.keys()]}::hash_algorithm[], ${[...others.values()]}::text[]) other
    ) SELECT FROM made`;
  return rows.length > 0;
}

/** Whoever is about to name it has the whole grace to do so. @returns false where there is no such blob, or it is being purged */
export async function keepBlob(sha256: string): Promise<boolean> {
  return (
    (await database().blob.updateMany({ where: { sha256, purgingAt: null }, data: { unusedSince: null } })).count > 0
  );
}

export const isPurging = async (sha256: string): Promise<boolean> =>
  (await database().blob.count({ where: { sha256, purgingAt: { not: null } } })) > 0;
