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

export async function countDownload(repoId: string, day: string, visitor: string): Promise<void> {
  await database().$queryRaw`SELECT count_download(${repoId}::uuid, ${day}::date, ${visitor})`;
}
