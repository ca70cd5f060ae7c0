import { keyOf } from "#lib/catalog/trees/key.ts";
import { database } from "#lib/db/client.ts";

/** One file of a commit and where its bytes lie. */
export interface FileRow {
  readonly path: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly lfs: boolean;
  readonly gitSha1: string;
  readonly storageKey: string;
}

export async function findFileRow(commitId: string, path: string): Promise<FileRow | null> {
  const [row] = await database().$queryRaw<(Omit<FileRow, "size"> & { size: bigint })[]>`
    SELECT f.path, b.sha256, b.size, f.lfs, b.git_sha1 AS "gitSha1", b.storage_key AS "storageKey"
    FROM commit c CROSS JOIN LATERAL file_at(c.repo_id, c.tree_id, ${keyOf(path)}) f JOIN blob b ON b.sha256 = f.blob_sha256
    WHERE c.id = ${commitId} AND f.path = ${path}`;
  return row ? { ...row, size: Number(row.size) } : null;
}

/** All files of a commit, by the order of their keys: as many as a commit may have. */
export async function readFileRows(commitId: string): Promise<Omit<FileRow, "storageKey">[]> {
  const rows = await database().$queryRaw<(Omit<FileRow, "size" | "storageKey"> & { size: bigint })[]>`
    SELECT f.path, b.sha256, b.size, f.lfs, b.git_sha1 AS "gitSha1"
    FROM commit c CROSS JOIN LATERAL files_of(c.repo_id, c.tree_id) f JOIN blob b ON b.sha256 = f.blob_sha256 WHERE c.id = ${commitId}`;
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** What git calls these contents, by their sha256. */
export async function gitNamesOf(sha256s: readonly string[]): Promise<Map<string, string>> {
  const rows = await database().blob.findMany({
    where: { sha256: { in: [...new Set(sha256s)] } },
    select: { sha256: true, gitSha1: true },
  });
  return new Map(rows.map(({ sha256, gitSha1 }) => [sha256, gitSha1]));
}

export interface CommitBefore {
  readonly id: string;
  readonly parentId: string | null;
  readonly treeId: string;
  readonly title: string;
  readonly createdAt: Date;
}

/** `count` commits, from one back along their parents. */
export async function readRoots(commitId: string, count: number): Promise<CommitBefore[]> {
  return database().$queryRaw`
    WITH RECURSIVE history AS (
      SELECT c.*, 1 AS place FROM commit c WHERE c.id = ${commitId}
      UNION ALL
      SELECT c.*, h.place + 1 FROM history h JOIN commit c ON c.id = h.parent_id WHERE h.place < ${count}
    )
    SELECT id, parent_id AS "parentId", tree_id AS "treeId", title, created_at AS "createdAt" FROM history ORDER BY place`;
}

interface Capped {
  readonly network: string;
  readonly cap: number;
}

/** Nothing where the repo is the person's own, or of an organisation that they belong to. */
export async function countDownload(
  repoId: string,
  userId: string | null,
  day: string,
  visitor: string,
  [inRepo, overAll]: readonly [Capped, Capped],
): Promise<void> {
  await database().$queryRaw`
    SELECT count_download(r.id, ${day}::date, ${visitor}, ${inRepo.network}, ${inRepo.cap}::int, ${overAll.network}, ${overAll.cap}::int)
    FROM repo r JOIN namespace n ON n.id = r.namespace_id
    WHERE r.id = ${repoId}::uuid AND n.user_id IS DISTINCT FROM ${userId ?? ""}
      AND NOT EXISTS (SELECT 1 FROM member m WHERE m.namespace_id = n.id AND m.user_id = ${userId})`;
}
