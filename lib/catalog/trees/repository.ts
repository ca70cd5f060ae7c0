import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { keyOf } from "./key.ts";
import type { FileEntry, Node, NodeEntry, TreeFile } from "./node.ts";

/**
 * How the files of a commit are read and written. In SQL of other repositories: `file_at(c.repo_id, c.tree_id, key)` is one file of a
 * commit c, by `keyOf` its path; `files_of(c.repo_id, c.tree_id)` all of them; `repo_blob` says which repos have a content.
 */

type Connection = Transaction | ReturnType<typeof database>;

interface EntryRow {
  readonly id: string;
  readonly level: number;
  readonly files: number;
  readonly size: bigint;
  readonly key: string | null;
  readonly lastKey: string | null;
  readonly path: string | null;
  readonly sha256: string;
  readonly lfs: boolean;
  readonly childId: string;
  readonly entryFiles: number;
  readonly entrySize: bigint;
}

/** The nodes of a repo with these ids. */
export async function readNodes(
  connection: Connection,
  repoId: string,
  ids: readonly string[],
): Promise<Map<string, Node>> {
  if (ids.length === 0) return new Map();
  const rows = await connection.$queryRaw<EntryRow[]>`
    SELECT t.id, t.level, t.file_count AS files, t.size, e.key, e.last_key AS "lastKey", e.path, e.blob_sha256 AS sha256, e.lfs,
      e.child_id AS "childId", e.file_count AS "entryFiles", e.size AS "entrySize"
    FROM tree t LEFT JOIN tree_entry e ON e.repo_id = t.repo_id AND e.tree_id = t.id
    WHERE t.repo_id = ${repoId}::uuid AND t.id = ANY (${[...ids]}) ORDER BY t.id, e.ordinal`;
  const nodes = new Map<string, Node & { entries: (FileEntry | NodeEntry)[] }>();
  for (const { id, level, files, size, key, lastKey, path, sha256, lfs, childId, entryFiles, entrySize } of rows) {
    const node = nodes.get(id) ?? { id, level, files, size: Number(size), entries: [] };
    nodes.set(id, node as Node & { entries: (FileEntry | NodeEntry)[] });
    if (key === null) continue;
    node.entries.push(
      path === null
        ? { id: childId, key, lastKey: lastKey!, files: entryFiles, size: Number(entrySize) }
        : { key, path, sha256, size: Number(entrySize), lfs },
    );
  }
  return nodes;
}

/** Those that the repo has already stay as they are. The contents that they name must be the repo's. */
export async function insertNodes(transaction: Transaction, repoId: string, nodes: readonly Node[]): Promise<void> {
  if (nodes.length === 0) return;
  const added = await transaction.tree.createManyAndReturn({
    data: nodes.map(({ id, level, entries, files, size }) => ({
      repoId,
      id,
      level,
      entryCount: entries.length,
      fileCount: files,
      size,
    })),
    skipDuplicates: true,
    select: { id: true },
  });
  const isNew = new Set(added.map(({ id }) => id));
  const entries = nodes
    .filter(({ id }) => isNew.has(id))
    .flatMap(({ id, entries: all }) => all.map((entry, ordinal) => ({ treeId: id, ordinal, ...toColumns(entry) })));
  await transaction.$executeRaw`
    INSERT INTO tree_entry (repo_id, tree_id, ordinal, key, last_key, path, blob_sha256, lfs, child_id, file_count, size)
    SELECT ${repoId}::uuid, * FROM unnest(${entries.map(({ treeId }) => treeId)}::text[], ${entries.map(({ ordinal }) => ordinal)}::smallint[],
      ${entries.map(({ key }) => key)}::text[], ${entries.map(({ lastKey }) => lastKey)}::text[], ${entries.map(({ path }) => path)}::text[],
      ${entries.map(({ sha256 }) => sha256)}::text[], ${entries.map(({ lfs }) => lfs)}::boolean[], ${entries.map(({ childId }) => childId)}::text[],
      ${entries.map(({ files }) => files)}::int[], ${entries.map(({ size }) => BigInt(size))}::bigint[])`;
}

const toColumns = (entry: FileEntry | NodeEntry) =>
  "path" in entry
    ? { ...entry, lastKey: null, childId: null, files: 1 }
    : { ...entry, childId: entry.id, path: null, sha256: null, lfs: null };

export interface Root {
  readonly repoId: string;
  readonly treeId: string;
}

/** Where the files of a commit begin. */
export async function rootOf(connection: Connection, commitId: string): Promise<Root> {
  return connection.commit.findUniqueOrThrow({ where: { id: commitId }, select: { repoId: true, treeId: true } });
}

/** All files of a commit, in the order of their keys: for those who need them all, and no request does. */
export async function readFiles(connection: Connection, commitId: string): Promise<TreeFile[]> {
  const rows = await connection.$queryRaw<(Omit<TreeFile, "size"> & { size: bigint })[]>`
    SELECT f.path, f.blob_sha256 AS sha256, f.size, f.lfs FROM commit c CROSS JOIN LATERAL files_of(c.repo_id, c.tree_id) f WHERE c.id = ${commitId}`;
  return rows.map((row) => ({ ...row, size: Number(row.size) }));
}

/** Those of the files at these paths that are there, by their paths. */
export async function findFiles(
  connection: Connection,
  commitId: string,
  paths: readonly string[],
): Promise<Map<string, TreeFile>> {
  const keys = new Set(paths.filter((path) => !path.includes("\0")).map(keyOf)); // no text of PostgreSQL holds a NUL
  const rows = await connection.$queryRaw<(Omit<TreeFile, "size"> & { size: bigint })[]>`
    SELECT f.path, f.blob_sha256 AS sha256, f.size, f.lfs FROM commit c CROSS JOIN unnest(${[...keys]}::text[]) key
    CROSS JOIN LATERAL file_at(c.repo_id, c.tree_id, key) f WHERE c.id = ${commitId}`;
  const files = new Map(rows.map((row) => [row.path, { ...row, size: Number(row.size) }]));
  return new Map(paths.flatMap((path) => (files.has(path) ? [[path, files.get(path)!]] : []))); // not in other capital letters
}
