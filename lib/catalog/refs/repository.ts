import type { WritableRepo, ReadableRepo } from "#lib/auth/access.ts";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { RefItem } from "./schema.ts";

const columns = { name: true, kind: true, commitId: true, updatedAt: true } as const;

interface Row {
  readonly name: string;
  readonly kind: "branch" | "tag";
  readonly commitId: string;
  readonly updatedAt: Date;
}

const toRefItem = ({ name, kind, commitId, updatedAt }: Row): RefItem => ({
  name,
  kind,
  commit: commitId,
  updatedAt: updatedAt.toISOString(),
});

/** Branches before tags, by name. At most `count`, after the one that is named. */
export async function readRefs(
  repo: ReadableRepo,
  after: { readonly kind: "branch" | "tag"; readonly name: string } | null,
  count: number,
): Promise<RefItem[]> {
  const rows = await database().$queryRaw<Row[]>`
    SELECT name, kind, commit_id AS "commitId", updated_at AS "updatedAt" FROM ref
    WHERE repo_id = ${repo.id}::uuid AND (${after === null} OR (kind, name) > (${after?.kind ?? "branch"}::ref_kind, ${after?.name ?? ""}))
    ORDER BY kind, name LIMIT ${count}`;
  return rows.map(toRefItem);
}

export const countRefs = (transaction: Transaction, repo: WritableRepo): Promise<number> =>
  transaction.ref.count({ where: { repoId: repo.id } });

export async function insertRef(
  transaction: Transaction,
  repo: WritableRepo,
  ref: { readonly name: string; readonly kind: "branch" | "tag"; readonly commitId: string },
): Promise<RefItem> {
  return toRefItem(await transaction.ref.create({ data: { repoId: repo.id, ...ref }, select: columns }));
}

/** @returns the commit it was at, or null where there is no such ref */
export async function removeRef(transaction: Transaction, repo: WritableRepo, name: string): Promise<string | null> {
  const [row] = await transaction.$queryRaw<
    { commitId: string }[]
  >`DELETE FROM ref WHERE repo_id = ${repo.id}::uuid AND name = ${name} RETURNING commit_id AS "commitId"`;
  return row?.commitId ?? null;
}

/** What a revision may name: a ref of that name before a commit whose id begins with it. Two rows where it is not clear. */
export async function findRevision(repoId: string, revision: string): Promise<string[]> {
  const prefix = /^[0-9a-f]{7,40}$/.test(revision) ? revision : null; // not LIKE, which finds nothing in an index of words
  const rows = await database().$queryRaw<{ id: string; isRef: boolean }[]>`
    SELECT commit_id AS id, true AS "isRef" FROM ref WHERE repo_id = ${repoId}::uuid AND name = ${revision}
    UNION ALL (SELECT id, false FROM commit WHERE repo_id = ${repoId}::uuid AND id >= ${prefix} AND id < ${prefix && `${prefix}g`} LIMIT 2)`;
  const named = rows.filter(({ isRef }) => isRef);
  return (named.length > 0 ? named : rows).map(({ id }) => id);
}
