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
