import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { ChangedTree, Difference } from "#lib/catalog/trees/change.ts";
import { insertNodes } from "#lib/catalog/trees/repository.ts";
import type { CommitText } from "./commit-id.ts";
import type { CommitItem } from "./schema.ts";
import { withoutHidden } from "#lib/util/deceptive.ts";

type Connection = Transaction | ReturnType<typeof database>;

export interface RefRow {
  readonly kind: "branch" | "tag";
  readonly commitId: string;
  readonly version: number;
}

export async function findRef(connection: Connection, repoId: string, name: string): Promise<RefRow | null> {
  return connection.ref.findUnique({
    where: { repoId_name: { repoId, name } },
    select: { kind: true, commitId: true, version: true },
  });
}

/**
 * Keeps others from committing to this repo, or counting a download of it, until the transaction ends. As its first statement it
 * makes those wait who would otherwise have to begin again. @returns false for a repo that was deleted
 */
export async function lockRepo(transaction: Transaction, repoId: string): Promise<boolean> {
  const rows = await transaction.$queryRaw<
    unknown[]
  >`SELECT FROM repo WHERE id = ${repoId}::uuid AND deleted_at IS NULL FOR NO KEY UPDATE`;
  return rows.length > 0;
}

export async function isCommitOf(connection: Connection, repoId: string, id: string): Promise<boolean> {
  return (await connection.commit.count({ where: { repoId, id } })) > 0;
}

/** The commit and the nodes of its tree that are new. The database compares what it says with what the tree has. */
export async function insertCommit(
  transaction: Transaction,
  id: string,
  { repoId, parentId, authorId, title, message }: Omit<CommitText, "treeId">,
  { root, made, differences }: ChangedTree,
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO commit (id, repo_id, sequence, parent_id, author_id, title, message, tree_id, file_count, size)
    SELECT ${id}, ${repoId}::uuid, coalesce(max(sequence), 0) + 1, ${parentId}, ${authorId}, ${title}, ${message}, ${root.id}, ${root.files}, ${BigInt(root.size)}
    FROM commit WHERE repo_id = ${repoId}::uuid`;
  const brought = new Map(differences.flatMap(({ after }) => (after ? [[after.sha256, after.size]] : [])));
  await transaction.$executeRaw`
    INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id)
    SELECT ${repoId}::uuid, sha256, size, ${id} FROM unnest(${[...brought.keys()]}::text[], ${[...brought.values()].map(BigInt)}::bigint[]) b (sha256, size)
    ORDER BY sha256 ON CONFLICT (repo_id, blob_sha256) DO UPDATE SET commit_id = EXCLUDED.commit_id`;
  await insertNodes(transaction, repoId, made);
}

/** The default branch has these contents at other paths than before: at more, at fewer, or at none. */
export async function countHeadPaths(
  transaction: Transaction,
  repoId: string,
  differences: readonly Difference[],
): Promise<void> {
  const more = new Map<string, number>();
  for (const { before, after } of differences) {
    if (before) more.set(before.sha256, (more.get(before.sha256) ?? 0) - 1);
    if (after) more.set(after.sha256, (more.get(after.sha256) ?? 0) + 1);
  }
  await transaction.$executeRaw`
    UPDATE repo_blob b SET head_paths = head_paths + more FROM unnest(${[...more.keys()]}::text[], ${[...more.values()]}::int[]) c (sha256, more)
    WHERE b.repo_id = ${repoId}::uuid AND b.blob_sha256 = c.sha256 AND more <> 0`;
}

/** @returns false when the branch is not where it was seen */
export async function moveBranch(
  transaction: Transaction,
  repoId: string,
  name: string,
  seen: RefRow | null,
  commitId: string,
): Promise<boolean> {
  if (seen === null) {
    const { count } = await transaction.ref.createMany({
      data: { repoId, name, kind: "branch", commitId },
      skipDuplicates: true,
    });
    return count === 1;
  }
  const { count } = await transaction.ref.updateMany({
    where: { repoId, name, kind: "branch", version: seen.version },
    data: { commitId, version: seen.version + 1 },
  });
  return count === 1;
}

export async function touchRepo(transaction: Transaction, repoId: string): Promise<void> {
  await transaction.repo.update({ where: { id: repoId }, data: { updatedAt: new Date() }, select: { id: true } });
}

export async function findHead(repoId: string): Promise<string | null> {
  const [row] = await database().$queryRaw<{ id: string }[]>`
    SELECT f.commit_id AS id FROM repo r JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch' WHERE r.id = ${repoId}::uuid`;
  return row?.id ?? null;
}

/** `count` commits, from `commitId` back along the first of each one's parents. Only of this repo. */
export async function readHistory(
  connection: Connection,
  repoId: string,
  commitId: string,
  count: number,
): Promise<CommitItem[]> {
  const rows = await connection.$queryRaw<
    (Omit<CommitItem, "createdAt" | "bytes"> & { createdAt: Date; bytes: bigint })[]
  >(Prisma.sql`
    WITH RECURSIVE history AS (
      SELECT c.*, 1 AS place FROM commit c WHERE c.id = ${commitId} AND c.repo_id = ${repoId}::uuid
      UNION ALL
      SELECT c.*, h.place + 1 FROM history h JOIN commit c ON c.id = h.parent_id WHERE h.place < ${count}
    )
    SELECT h.id, h.parent_id AS parent, h.title, h.message, n.name AS author, h.created_at AS "createdAt", h.file_count AS files, h.size AS bytes
    FROM history h LEFT JOIN namespace n ON n.user_id = h.author_id ORDER BY h.place`);
  return rows.map((row) => ({
    ...row,
    message: withoutHidden(row.message), // those of older versions may hold anything
    createdAt: row.createdAt.toISOString(),
    bytes: Number(row.bytes),
  }));
}

/** How many commits `readHistory` would give, counted to `most`. */
export async function countHistory(repoId: string, commitId: string, most: number): Promise<number> {
  const [row] = await database().$queryRaw<{ count: number }[]>`
    WITH RECURSIVE history AS (
      SELECT c.parent_id, 1 AS place FROM commit c WHERE c.id = ${commitId} AND c.repo_id = ${repoId}::uuid
      UNION ALL
      SELECT c.parent_id, h.place + 1 FROM history h JOIN commit c ON c.id = h.parent_id WHERE h.place < ${most}
    )
    SELECT count(*)::int AS count FROM history`;
  return row!.count;
}
