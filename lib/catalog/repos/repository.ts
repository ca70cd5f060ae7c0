import type { CommitItem } from "#lib/catalog/commits/schema.ts";
import { whyNotRunning } from "#lib/catalog/inspections/why-not.ts";
import { keyOf } from "#lib/catalog/trees/key.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type Repo } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { RepoItem, Sort } from "./schema.ts";
import { firstOf, orders, type Place, type Selection } from "./selection.ts";

/** Where a list goes on after this item. */
export const placeOf = (sort: Sort, item: RepoItem): Place => [orders[sort].key(item), item.id];

/** At least `count` of at most 101, where there are so many: of two limits, so that there are two plans. */
export const selectRepos = (
  selection: Selection,
  sort: Sort,
  after: Place | null,
  count: number,
): Promise<RepoItem[]> =>
  readItems(selection.baseVisible, firstOf(selection, sort, after, count <= 31 ? 31 : 101), orders[sort].order);

export async function findItem(id: string, baseVisible: Prisma.Sql): Promise<RepoItem | null> {
  const [item] = await readItems(
    baseVisible,
    Prisma.sql`(SELECT * FROM repo WHERE id = ${id}::uuid AND deleted_at IS NULL)`,
    Prisma.sql`r.id`,
  );
  return item ?? null;
}

/** The rest of what is shown of repos that were chosen, for these alone. */
async function readItems(baseVisible: Prisma.Sql, chosen: Prisma.Sql, order: Prisma.Sql): Promise<RepoItem[]> {
  const rows = await database().$queryRaw<
    (Omit<RepoItem, "createdAt" | "updatedAt" | "facts"> & {
      createdAt: Date;
      updatedAt: Date;
      inspected: boolean;
      factKind: string | null;
      parameters: number | null;
      runs: boolean | null;
      whatRuns: string | null;
      problems: string[] | null;
    })[]
  >`
    SELECT r.id, n.name AS owner, r.name, r.kind, r.visibility, r.summary, r.license, r.tags, bn.name || '/' || b.name AS base, r.downloads,
      r.created_at AS "createdAt", r.updated_at AS "updatedAt", r.head_commit_id AS "headCommit", r.contract,
      i.facts IS NOT NULL AS inspected, i.facts->>'kind' AS "factKind", (i.facts->>'parameters')::float8 AS parameters,
      (i.facts->>'runs')::boolean AS runs, i.facts->>'whatRuns' AS "whatRuns", i.facts->'problems' AS problems
    FROM ${chosen} r
    JOIN namespace n ON n.id = r.namespace_id
    LEFT JOIN repo b ON b.id = r.base_id AND ${baseVisible}
    LEFT JOIN namespace bn ON bn.id = b.namespace_id
    LEFT JOIN inspection i ON i.id = r.head_inspection_id
    ORDER BY ${order}`;
  return rows.map(({ inspected, factKind, parameters, runs, whatRuns, problems, createdAt, updatedAt, ...row }) => ({
    ...row,
    createdAt: createdAt.toISOString(),
    updatedAt: updatedAt.toISOString(),
    facts: inspected
      ? {
          kind: factKind,
          parameters,
          runs: runs ?? false,
          whyNot: whyNotRunning({ runs: runs ?? false, whatRuns: whatRuns ?? "", problems: problems ?? [] }),
        }
      : null,
  }));
}

/** Also those without a commit, the newest first. `writable` is the condition on `r`. */
export const selectWritable = (
  writable: Prisma.Sql,
  owners: readonly string[],
  take: number,
): Promise<{ name: string; kind: RepoItem["kind"] }[]> => database().$queryRaw`
  SELECT n.name || '/' || r.name AS name, r.kind FROM repo r JOIN namespace n ON n.id = r.namespace_id
  WHERE r.deleted_at IS NULL AND n.name_key = ANY (${owners.map((owner) => owner.toLowerCase())}) AND ${writable}
  ORDER BY r.updated_at DESC, r.id DESC LIMIT ${take}`;

export async function insertRepo(
  transaction: Transaction,
  repo: Pick<Repo, "namespaceId" | "name" | "kind" | "visibility" | "baseId" | "license" | "summary" | "tags">,
): Promise<string> {
  return (await transaction.repo.create({ data: repo, select: { id: true } })).id;
}

export async function changeRepo(
  transaction: Transaction,
  id: string,
  change: Partial<Pick<Repo, "visibility" | "baseId" | "license" | "summary" | "tags">>,
): Promise<boolean> {
  return (await transaction.repo.updateMany({ where: { id, deletedAt: null }, data: change })).count === 1;
}

/** Hidden at once; its name is free. */
export async function hideRepo(transaction: Transaction, id: string): Promise<boolean> {
  return (
    (await transaction.repo.updateMany({ where: { id, deletedAt: null }, data: { deletedAt: new Date() } })).count === 1
  );
}

/** What a repo's page shows of its newest commit, and the downloads since a day: in one statement, for pages are what is asked for most. */
export interface RepoHead {
  readonly head: CommitItem | null;
  /** Where the bytes of the file at `cardPath` lie. */
  readonly card: { readonly sha256: string; readonly size: number; readonly storageKey: string } | null;
  readonly downloads: number;
}

type HeadRow = Omit<CommitItem, "createdAt"> & { readonly createdAt: Date };
type RepoHeadRow = (HeadRow | { readonly id: null }) & {
  readonly cardSha256: string;
  readonly cardSize: number;
  readonly storageKey: string | null;
  readonly downloads: number;
};

export async function readHead(repoId: string, cardPath: string, since: Date): Promise<RepoHead> {
  const [row] = await database().$queryRaw<RepoHeadRow[]>`
    SELECT c.id, c.parent_id AS parent, c.title, c.message, n.name AS author, c.created_at AS "createdAt", c.file_count AS files, c.size::float8 AS bytes,
      b.sha256 AS "cardSha256", b.size::float8 AS "cardSize", b.storage_key AS "storageKey",
      (SELECT coalesce(sum(count), 0)::float8 FROM download_day WHERE repo_id = ${repoId}::uuid AND day >= ${since}::date) AS downloads
    FROM repo r
    LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
    LEFT JOIN commit c ON c.id = f.commit_id
    LEFT JOIN namespace n ON n.user_id = c.author_id
    LEFT JOIN LATERAL file_at(c.repo_id, c.tree_id, ${keyOf(cardPath)}) cf ON cf.path = ${cardPath}
    LEFT JOIN blob b ON b.sha256 = cf.blob_sha256
    WHERE r.id = ${repoId}::uuid`;
  const { cardSha256, cardSize, storageKey, downloads, ...commit } = row!;
  return {
    head: commit.id === null ? null : { ...commit, createdAt: commit.createdAt.toISOString() },
    card: storageKey === null ? null : { sha256: cardSha256, size: cardSize, storageKey },
    downloads,
  };
}
