import type { CommitItem } from "#lib/catalog/commits/schema.ts";
import { whyNotRunning } from "#lib/catalog/inspections/why-not.ts";
import { type Verdict, verdictInDatabase, verdictOf } from "#lib/catalog/pairs/verdict.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type Repo } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { type Facets, type RepoItem, type RepoQuery, sizes, type Sort } from "./schema.ts";

/** Which repos a list holds. `visible` is the condition on `r`, `baseVisible` that on `b`, its base. */
export interface Selection {
  readonly visible: Prisma.Sql;
  readonly baseVisible: Prisma.Sql;
  readonly kind?: RepoItem["kind"] | undefined;
  readonly baseId?: string | undefined;
  readonly owner?: string | undefined;
  readonly words: readonly string[];
  readonly license?: string | undefined;
  readonly tag?: string | undefined;
  readonly measured?: RepoQuery["measured"];
  readonly size?: RepoQuery["size"];
}

type Place = readonly [key: string | number, id: string];

const orders: {
  readonly [S in Sort]: {
    readonly order: Prisma.Sql;
    readonly key: (item: RepoItem) => string | number;
    readonly after: (place: Place) => Prisma.Sql;
  };
} = {
  updated: {
    order: Prisma.sql`r.updated_at DESC, r.id DESC`,
    key: (item) => item.updatedAt,
    after: ([key, id]) => Prisma.sql`(r.updated_at, r.id) < (${new Date(key)}, ${id}::uuid)`,
  },
  created: {
    order: Prisma.sql`r.created_at DESC, r.id DESC`,
    key: (item) => item.createdAt,
    after: ([key, id]) => Prisma.sql`(r.created_at, r.id) < (${new Date(key)}, ${id}::uuid)`,
  },
  downloads: {
    order: Prisma.sql`r.downloads DESC, r.id DESC`,
    key: (item) => item.downloads,
    after: ([key, id]) => Prisma.sql`(r.downloads, r.id) < (${key}::int, ${id}::uuid)`,
  },
  name: {
    order: Prisma.sql`r.name_key, r.id`,
    key: (item) => item.name.toLowerCase(),
    after: ([key, id]) => Prisma.sql`(r.name_key, r.id) > (${key}, ${id}::uuid)`,
  },
};

/** Where a list goes on after this item. */
export const placeOf = (sort: Sort, item: RepoItem): Place => [orders[sort].key(item), item.id];

/**
 * At least `count` of at most 101, where there are so many. The limit is part of the text, one of two: were it a parameter,
 * PostgreSQL would find no plan that is good for every limit, and plan anew each time.
 */
export async function selectRepos(
  selection: Selection,
  sort: Sort,
  after: Place | null,
  count: number,
): Promise<RepoItem[]> {
  const { order, after: isAfter } = orders[sort];
  const conditions = [
    selection.visible,
    isListed,
    ...Object.values(filtersOf(selection)),
    ...(after ? [isAfter(after)] : []),
  ];
  return readItems(
    selection.baseVisible,
    Prisma.sql`SELECT r.* FROM repo r WHERE ${Prisma.join(conditions, " AND ")} ORDER BY ${order} LIMIT ${Prisma.raw(count <= 31 ? "31" : "101")}`,
    order,
  );
}

export async function findItem(id: string, baseVisible: Prisma.Sql): Promise<RepoItem | null> {
  const [item] = await readItems(
    baseVisible,
    Prisma.sql`SELECT r.* FROM repo r WHERE r.id = ${id}::uuid AND r.deleted_at IS NULL`,
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
      r.created_at AS "createdAt", r.updated_at AS "updatedAt", f.commit_id AS "headCommit", i.contract,
      i.facts IS NOT NULL AS inspected, i.facts->>'kind' AS "factKind", (i.facts->>'parameters')::float8 AS parameters,
      (i.facts->>'runs')::boolean AS runs, i.facts->>'whatRuns' AS "whatRuns", i.facts->'problems' AS problems
    FROM (${chosen}) r
    JOIN namespace n ON n.id = r.namespace_id
    LEFT JOIN repo b ON b.id = r.base_id AND ${baseVisible}
    LEFT JOIN namespace bn ON bn.id = b.namespace_id
    LEFT JOIN repo_head f ON f.repo_id = r.id
    LEFT JOIN inspection i ON i.id = f.inspection_id
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

/** An empty repo answers by its name to those who may see it, and is in nobody's list. */
const isListed = Prisma.sql`r.has_commits`;

/** By name, for a facet counts as if nothing were chosen from it. */
function filtersOf({
  kind,
  baseId,
  owner,
  words,
  license,
  tag,
  measured,
  size,
  visible,
}: Selection): Record<string, Prisma.Sql> {
  return {
    ...(measured && { measured: hasVerdict(measured, visible) }),
    ...(size && {
      size: Prisma.sql`(SELECT ${sizeClass} FROM ref f JOIN commit c ON c.id = f.commit_id WHERE f.repo_id = r.id AND f.name = r.default_branch) = ${classOf(size)}`,
    }),
    ...(kind && { kind: Prisma.sql`r.kind = ${kind}::repo_kind` }),
    ...(baseId && { base: Prisma.sql`r.base_id = ${baseId}::uuid` }),
    ...(license !== undefined && { license: Prisma.sql`r.license = ${license}` }),
    ...(owner !== undefined && {
      owner: Prisma.sql`r.namespace_id = (SELECT id FROM namespace WHERE name_key = lower(${owner}))`,
    }),
    ...(tag !== undefined && { tag: Prisma.sql`r.tags @> ARRAY[${tag}]` }),
    ...(words.length > 0 && { words: Prisma.join(words.map(hasWord), " AND ") }),
  };
}

function hasWord(word: string): Prisma.Sql {
  const pattern = `%${word.replaceAll(/[\\%_]/g, "\\$&")}%`;
  return Prisma.sql`(r.name ILIKE ${pattern} OR r.summary ILIKE ${pattern} OR r.namespace_id IN (SELECT id FROM namespace WHERE name ILIKE ${pattern}))`;
}

/** 1 for the first class of sizes. */
const sizeClass = Prisma.sql`width_bucket(c.size::float8, ${sizes.map(({ from }) => from)}::float8[])`;

const classOf = (size: NonNullable<RepoQuery["size"]>): number => sizes.findIndex(({ name }) => name === size) + 1;

/**
 * As rows (id, verdict): for each repo that may be seen the best verdict of its newest weights. A pair counts for what may be seen on
 * both sides; a repo without any is not there.
 */
const verdictsOf = (visible: Prisma.Sql): Prisma.Sql => {
  const heads = Prisma.sql`(
    SELECT r.id, i.weights_sha256 AS weights FROM repo r JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch
    JOIN inspection i ON i.commit_id = f.commit_id AND i.state = 'succeeded' AND i.weights_sha256 IS NOT NULL WHERE ${visible})`;
  return Prisma.sql`
    SELECT side.id, min(p.verdict) AS verdict
    FROM pair p JOIN ${heads} f ON f.weights = p.finetune_weights_sha256 JOIN ${heads} g ON g.weights = p.guide_weights_sha256, LATERAL (VALUES (f.id), (g.id)) side(id)
    WHERE p.verdict <> 'not_measured' GROUP BY side.id`;
};

function hasVerdict(verdict: Verdict, visible: Prisma.Sql): Prisma.Sql {
  if (verdict === "notMeasured") return Prisma.sql`r.id NOT IN (SELECT v.id FROM (${verdictsOf(visible)}) v)`;
  return Prisma.sql`r.id IN (SELECT v.id FROM (${verdictsOf(visible)}) v WHERE v.verdict = ${verdictInDatabase(verdict)}::verdict)`;
}

const MAX_VALUES = 50; // of a facet

/** Counts everything in one walk over the repos that may be seen. */
export async function countFacets(selection: Selection): Promise<Facets> {
  const { kind, base, license, size: _bySelect, measured: _inFull, ...others } = filtersOf(selection);
  const size = selection.size && Prisma.sql`${sizeClass} = ${classOf(selection.size)}`; // what is joined here anyway
  const measured =
    selection.measured &&
    Prisma.sql`coalesce(v.verdict, 'not_measured') = ${verdictInDatabase(selection.measured)}::verdict`;
  const chosen = (...filters: (Prisma.Sql | undefined)[]): Prisma.Sql =>
    Prisma.join(
      filters.map((filter) => filter ?? Prisma.sql`true`),
      " AND ",
    );
  const rows = await database().$queryRaw<{ facet: keyof Facets; value: string; count: number }[]>`
    WITH verdict AS (${verdictsOf(selection.visible)}), seen AS (
      SELECT r.kind, r.license, b.id AS base, bn.name || '/' || b.name AS base_name, ${sizeClass} AS size, coalesce(v.verdict, 'not_measured') AS verdict,
        ${chosen(base, license, size, measured)} AS for_kind, ${chosen(kind, license, size, measured)} AS for_base, ${chosen(kind, base, size, measured)} AS for_license,
        ${chosen(kind, base, license, measured)} AS for_size, ${chosen(kind, base, license, size)} AS for_verdict
      FROM repo r
      LEFT JOIN repo b ON b.id = r.base_id AND ${selection.baseVisible}
      LEFT JOIN namespace bn ON bn.id = b.namespace_id
      LEFT JOIN ref h ON h.repo_id = r.id AND h.name = r.default_branch
      LEFT JOIN commit c ON c.id = h.commit_id
      LEFT JOIN verdict v ON v.id = r.id
      WHERE ${chosen(selection.visible, isListed, ...Object.values(others))}
    )
    SELECT * FROM (
      (SELECT 'kind' AS facet, kind::text AS value, count(*)::int AS count FROM seen WHERE for_kind GROUP BY kind)
      UNION ALL (SELECT 'base', base_name, count(*)::int FROM seen WHERE for_base AND base IS NOT NULL GROUP BY base, base_name ORDER BY 3 DESC, 2 LIMIT ${MAX_VALUES})
      UNION ALL (SELECT 'license', license, count(*)::int FROM seen WHERE for_license AND license IS NOT NULL GROUP BY license ORDER BY 3 DESC, 2 LIMIT ${MAX_VALUES})
      UNION ALL (SELECT 'size', size::text, count(*)::int FROM seen WHERE for_size AND size IS NOT NULL GROUP BY size)
      UNION ALL (SELECT 'measured', verdict::text, count(*)::int FROM seen WHERE for_verdict GROUP BY verdict)
    ) counted ORDER BY count DESC, value`;
  const of = (facet: keyof Facets, nameOf = (value: string): string => value): Facets["kind"] =>
    rows.filter((row) => row.facet === facet).map(({ value, count }) => ({ value: nameOf(value), count }));
  return {
    kind: of("kind"),
    base: of("base"),
    license: of("license"),
    size: of("size", (value) => sizes[Number(value) - 1]!.name),
    measured: of("measured", verdictOf),
  };
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
  readonly card: { readonly size: number; readonly storageKey: string } | null;
  readonly downloads: number;
}

type HeadRow = Omit<CommitItem, "createdAt"> & { readonly createdAt: Date };
type RepoHeadRow = (HeadRow | { readonly id: null }) & {
  readonly cardSize: number;
  readonly storageKey: string | null;
  readonly downloads: number;
};

export async function readHead(repoId: string, cardPath: string, since: Date): Promise<RepoHead> {
  const [row] = await database().$queryRaw<RepoHeadRow[]>`
    SELECT c.id, c.parent_id AS parent, c.title, c.message, n.name AS author, c.created_at AS "createdAt", c.file_count AS files, c.size::float8 AS bytes,
      b.size::float8 AS "cardSize", b.storage_key AS "storageKey",
      (SELECT coalesce(sum(count), 0)::float8 FROM download_day WHERE repo_id = ${repoId}::uuid AND day >= ${since}::date) AS downloads
    FROM repo r
    LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
    LEFT JOIN commit c ON c.id = f.commit_id
    LEFT JOIN namespace n ON n.user_id = c.author_id
    LEFT JOIN commit_file cf ON cf.commit_id = c.id AND cf.path = ${cardPath}
    LEFT JOIN blob b ON b.sha256 = cf.blob_sha256
    WHERE r.id = ${repoId}::uuid`;
  const { cardSize, storageKey, downloads, ...commit } = row!;
  return {
    head: commit.id === null ? null : { ...commit, createdAt: commit.createdAt.toISOString() },
    card: storageKey === null ? null : { size: cardSize, storageKey },
    downloads,
  };
}
