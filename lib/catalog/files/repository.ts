import { database } from "#lib/db/client.ts";

export interface StoredFile {
  readonly path: string;
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  readonly lfs: boolean;
  readonly gitSha1: string;
}

/** One file of a commit and where its bytes lie. */
export interface FileRow extends StoredFile {
  readonly storageKey: string;
}

export async function findFileRow(commitId: string, path: string): Promise<FileRow | null> {
  const [row] = await database().$queryRaw<(Omit<FileRow, "size"> & { size: bigint })[]>`
    SELECT f.path, b.sha256, b.size, f.lfs, b.git_sha1 AS "gitSha1", b.storage_key AS "storageKey"
    FROM commit_file f JOIN blob b ON b.sha256 = f.blob_sha256 WHERE f.commit_id = ${commitId} AND f.path = ${path}`;
  return row ? { ...row, size: Number(row.size) } : null;
}

/** The files of a folder and of all below it. */
export async function readFolder(commitId: string, folder: string): Promise<StoredFile[]> {
  const prefix = folder === "" ? "" : `${folder}/`;
  const rows = await database().$queryRaw<(Omit<StoredFile, "size"> & { size: bigint })[]>`
    SELECT f.path, b.sha256, b.size, f.lfs, b.git_sha1 AS "gitSha1"
    FROM commit_file f JOIN blob b ON b.sha256 = f.blob_sha256 WHERE f.commit_id = ${commitId} AND starts_with(f.path, ${prefix})`;
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** The commit that gave a file the content that it has. */
export interface LastChange {
  readonly commit: string;
  readonly title: string;
  readonly createdAt: string;
}

/**
 * By path, for the files of a folder and all below it: who changed them last, as far back as `files` files of commits reach, and at most
 * `commits` of these. What is older is not there.
 */
export async function readLastChanges(
  commitId: string,
  folder: string,
  { commits, files }: { readonly commits: number; readonly files: number },
): Promise<Map<string, LastChange>> {
  const prefix = folder === "" ? "" : `${folder}/`;
  const rows = await database().$queryRaw<(Omit<LastChange, "createdAt"> & { path: string; createdAt: Date })[]>`
    WITH RECURSIVE history AS (
      SELECT c.*, 1 AS place, c.file_count AS looked FROM commit c WHERE c.id = ${commitId}
      UNION ALL
      SELECT c.*, h.place + 1, h.looked + c.file_count FROM history h JOIN commit c ON c.id = h.parent_id WHERE h.place < ${commits} AND h.looked + c.file_count <= ${files}
    )
    SELECT DISTINCT ON (f.path) f.path, h.id AS commit, h.title, h.created_at AS "createdAt"
    FROM history h JOIN commit_file f ON f.commit_id = h.id AND starts_with(f.path, ${prefix})
    LEFT JOIN commit_file before ON before.commit_id = h.parent_id AND before.path = f.path
    WHERE before.blob_sha256 IS DISTINCT FROM f.blob_sha256 ORDER BY f.path, h.place`;
  return new Map(
    rows.map(({ path, createdAt, ...change }) => [path, { ...change, createdAt: createdAt.toISOString() }]),
  );
}

export async function countDownload(repoId: string, day: string, visitor: string): Promise<void> {
  await database().$queryRaw`SELECT count_download(${repoId}::uuid, ${day}::date, ${visitor})`;
}
