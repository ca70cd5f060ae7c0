import { contentDigest, type ContentDigest } from "#lib/catalog/blobs/hasher.ts";
import { type Database, database } from "#lib/db/client.ts";
import type { Prisma, UploadState } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

const columns = {
  id: true,
  repoId: true,
  userId: true,
  state: true,
  path: true,
  declaredSize: true,
  declaredSha256: true,
  blobSha256: true,
  partSize: true,
  problem: true,
  storageKey: true,
  storageId: true,
  digest: true,
  createdAt: true,
  expiresAt: true,
} as const;

type Columns = Prisma.UploadGetPayload<{ select: typeof columns }>;

export interface UploadRow extends Omit<Columns, "declaredSize" | "partSize" | "digest"> {
  /** Declared, in bytes. */
  readonly size: number;
  readonly partSize: number;
  /** What its bytes were found to be as they came; null where a worker has to read them. */
  readonly digest: ContentDigest | null;
}

const toRow = ({ declaredSize, partSize, digest, ...row }: Columns): UploadRow => ({
  ...row,
  size: Number(declaredSize),
  partSize: partSize!,
  digest: digest === null ? null : contentDigest.parse(digest),
});

/** Not one of a repo that was deleted. */
export async function findUpload(id: string): Promise<UploadRow | null> {
  const row = await database().upload.findFirst({ where: { id, repo: { deletedAt: null } }, select: columns });
  return row && toRow(row);
}

/** While parts of it may come. */
export async function findArriving(storageKey: string): Promise<Pick<UploadRow, "size" | "partSize"> | null> {
  const row = await database().upload.findFirst({
    where: { storageKey, state: { in: [...arriving] } },
    select: { declaredSize: true, partSize: true },
  });
  return row && { size: Number(row.declaredSize), partSize: row.partSize! };
}

export async function findByKey(userId: string | null, idempotencyKey: string): Promise<UploadRow | null> {
  const row = await database().upload.findFirst({
    where: { userId, idempotencyKey },
    orderBy: { id: "desc" },
    select: columns,
  });
  return row && toRow(row);
}

export interface UploadToInsert {
  readonly repoId: string;
  readonly userId: string | null;
  readonly idempotencyKey: string | null;
  readonly path: string;
  readonly size: number;
  readonly declaredSha256: string | null;
  readonly storageKey: string;
  readonly partSize: number;
  readonly expiresAt: Date;
}

export async function insertUpload(transaction: Transaction, { size, ...row }: UploadToInsert): Promise<UploadRow> {
  return toRow(await transaction.upload.create({ data: { ...row, declaredSize: size }, select: columns }));
}

/** @returns false when another request was faster */
export async function setStorageId(id: string, storageId: string): Promise<boolean> {
  return (
    (
      await database().upload.updateMany({
        where: { id, storageId: null, state: { in: [...arriving] } },
        data: { storageId },
      })
    ).count > 0
  );
}

/** Parts may come. */
export const arriving = ["open", "receiving"] as const satisfies readonly UploadState[];
/** Not ended. */
export const unfinished = [...arriving, "hashing", "verified"] as const satisfies readonly UploadState[];

/** @returns whether it was in one of these states, and has moved */
export async function move(
  client: Database | Transaction,
  id: string,
  from: readonly UploadState[],
  to: UploadState,
  more: Prisma.UploadUncheckedUpdateManyInput = {},
): Promise<boolean> {
  return (
    (await client.upload.updateMany({ where: { id, state: { in: [...from] } }, data: { state: to, ...more } })).count >
    0
  );
}

export const countUnfinished = (transaction: Transaction, userId: string): Promise<number> =>
  transaction.upload.count({ where: { userId, state: { in: [...unfinished] } } });

/** The newest first. */
export async function listUnfinished(
  repoId: string,
  userId: string | null,
  before: string | null,
  take: number,
): Promise<UploadRow[]> {
  const rows = await database().upload.findMany({
    where: { repoId, userId, state: { in: [...unfinished] }, ...(before !== null && { id: { lt: before } }) },
    orderBy: { id: "desc" },
    take,
    select: columns,
  });
  return rows.map(toRow);
}

export const countHashing = (ids: readonly string[]): Promise<number> =>
  database().upload.count({ where: { id: { in: [...ids] }, state: "hashing" } });

/** Those of these contents that a commit of the repo has named. */
export async function contentsOfRepo(
  repoId: string,
  sha256s: readonly string[],
): Promise<{ readonly sha256: string; readonly size: number }[]> {
  const rows = await database().repoBlob.findMany({
    where: { repoId, blobSha256: { in: [...sha256s] } },
    select: { blobSha256: true, size: true },
  });
  return rows.map(({ blobSha256, size }) => ({ sha256: blobSha256, size: Number(size) }));
}

/** Of each content the newest upload of a person that was found to be it, or is being read and was announced as it. */
export const newestUploadsOf = (
  repoId: string,
  userId: string | null,
  sha256s: readonly string[],
): Promise<{ readonly sha256: string; readonly id: string }[]> => database().$queryRaw`
  SELECT DISTINCT ON (coalesce(blob_sha256, declared_sha256)) coalesce(blob_sha256, declared_sha256) AS sha256, id FROM upload
  WHERE repo_id = ${repoId}::uuid AND user_id IS NOT DISTINCT FROM ${userId} AND state IN ('hashing', 'verified')
    AND coalesce(blob_sha256, declared_sha256) = ANY (${[...sha256s]})
  ORDER BY coalesce(blob_sha256, declared_sha256), state = 'verified' DESC, id DESC`;

export interface TakenUpload {
  readonly id: string;
  readonly path: string;
  readonly state: UploadState;
  readonly problem: string | null;
  readonly size: number;
  /** Null where it is not verified, or its content has gone. */
  readonly sha256: string | null;
}

/** Keeps them as they are until the transaction ends: who aborts one of them waits. */
export async function readUploads(
  transaction: Transaction,
  repoId: string,
  ids: readonly string[],
): Promise<TakenUpload[]> {
  const rows = await transaction.$queryRaw<(Omit<TakenUpload, "size"> & { size: bigint })[]>`
    SELECT id, path, state, problem, declared_size AS size, blob_sha256 AS sha256 FROM upload
    WHERE id = ANY (${[...ids]}::uuid[]) AND repo_id = ${repoId}::uuid ORDER BY id FOR NO KEY UPDATE`;
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

export async function linkUploads(transaction: Transaction, ids: readonly string[]): Promise<void> {
  await transaction.upload.updateMany({
    where: { id: { in: [...ids] }, state: "verified" },
    data: { state: "linked" },
  });
}

/** While it is to be read: the worker's side. */
export async function findHashing(id: string): Promise<UploadRow | null> {
  const row = await database().upload.findFirst({ where: { id, state: "hashing" }, select: columns });
  return row && toRow(row);
}
