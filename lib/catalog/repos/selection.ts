import type { VisiblePart } from "#lib/auth/access.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { type Verdict, verdictInDatabase } from "#lib/catalog/verdict.ts";
import { askedOfEach } from "#lib/db/asked-of-each.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { type RepoItem, type RepoQuery, sizes, type Sort } from "./schema.ts";
import type { Wording } from "./search.ts";

/** Which repos a list holds. */
export interface Selection {
  /** Of `r`, a repo. */
  readonly visible: readonly VisiblePart[];
  /** On `b`, the base of a repo. */
  readonly baseVisible: Prisma.Sql;
  /** On `o`, what was measured with a repo. */
  readonly otherVisible: Prisma.Sql;
  /** On `p`, a pair. */
  readonly mayKnow: Prisma.Sql;
  readonly kind?: RepoItem["kind"] | undefined;
  readonly baseId?: string | undefined;
  readonly owner?: string | undefined;
  readonly words?: Wording | undefined;
  readonly license?: string | undefined;
  /** It has all of these. */
  readonly tags?: readonly string[] | undefined;
  /** Only what draws pictures. */
  readonly draws?: boolean | undefined;
  readonly measured?: RepoQuery["measured"];
  readonly size?: RepoQuery["size"];
  /** All public repos that answer, or more: named where they are few. */
  readonly few?: readonly string[] | null;
}

export type Place = readonly [key: string | number, id: string];

export const orders: {
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

/**
 * The first `count` rows `r` of a selection in an order. Each part of what may be seen walks an index of its own and stops there, so
 * that a page costs the same however many repos there are; of what only the actor sees, each of their namespaces. `count` is part of
 * the text: were it a parameter, PostgreSQL would find no plan that is good for every limit.
 */
export function firstOf(selection: Selection, sort: Sort, after: Place | null, count: number): Prisma.Sql {
  const { order, after: isAfter } = orders[sort];
  const conditions = [isListed, ...Object.values(filtersOf(selection)), ...(after ? [isAfter(after)] : [])];
  const first = (rows: Prisma.Sql): Prisma.Sql =>
    Prisma.sql`(SELECT r.* FROM ${rows} ORDER BY ${order} LIMIT ${Prisma.raw(String(count))})`;
  const where = (visible: Prisma.Sql): Prisma.Sql =>
    Prisma.sql`repo r WHERE ${Prisma.join([visible, ...conditions], " AND ")}`;
  const few = selection.few && Prisma.sql`r.id = ANY (${[...selection.few]}::uuid[])`;
  const parts = selection.visible.map(({ isPublic, visible, namespaces }) =>
    namespaces === null
      ? first(where(few && isPublic ? Prisma.sql`${few} AND ${visible}` : visible))
      : first(
          Prisma.sql`(${namespaces}) own(id), LATERAL ${first(Prisma.sql`${where(visible)} AND r.namespace_id = own.id`)} r`,
        ),
  );
  return parts.length === 1 ? parts[0]! : first(Prisma.sql`(${Prisma.join(parts, " UNION ALL ")}) r`);
}

/** An empty repo answers by its name to those who may see it, and is in nobody's list. */
const isListed = Prisma.sql`r.has_commits`;

/** By the name of what was chosen. */
function filtersOf(selection: Selection): Record<string, Prisma.Sql> {
  const { kind, baseId, owner, words, license, tags = [], draws, measured, size } = selection;
  return {
    ...(measured && { measured: hasVerdict(measured, selection) }),
    ...(size && { size: hasSize(size) }),
    ...(kind && { kind: Prisma.sql`r.kind = ${kind}::repo_kind` }),
    ...(baseId && { base: Prisma.sql`r.base_id = ${baseId}::uuid` }),
    ...(license !== undefined && { license: Prisma.sql`r.license = ${license}` }),
    ...(owner !== undefined && {
      owner: Prisma.sql`r.namespace_id = (SELECT id FROM namespace WHERE name_key = lower(${owner}))`,
    }),
    ...(tags.length > 0 && { tags: Prisma.sql`r.tags @> ${[...tags]}::text[]` }),
    ...(draws && { draws: canInSql("r", "draws") }),
    ...(words && {
      words: "found" in words ? Prisma.sql`r.id = ANY (${[...words.found]}::uuid[])` : words.common,
    }),
  };
}

/** Which class of sizes a repo `r` is in, 1 for the first; null before its first commit. */
export const sizeClass = Prisma.sql`width_bucket(r.head_size::float8, ${sizes.map(({ from }) => from)}::float8[])`;

function hasSize(size: NonNullable<RepoQuery["size"]>): Prisma.Sql {
  const at = sizes.findIndex(({ name }) => name === size);
  const end = sizes[at + 1]?.from;
  const begins = Prisma.sql`r.head_size >= ${sizes[at]!.from}::bigint`;
  return end === undefined ? begins : Prisma.sql`(${begins} AND r.head_size < ${end}::bigint)`;
}

type Known = Pick<Selection, "otherVisible" | "mayKnow">;

/** Of pairs that may not be known, or are of what may not be seen, no more are walked past on each side of a repo. */
const MOST_PAIRS = 100;

const sides = {
  draws: [Prisma.sql`unit_hash`, Prisma.sql`guide_weights_sha256`],
  guides: [Prisma.sql`guide_weights_sha256`, Prisma.sql`unit_hash`],
} as const;

/** The best verdict of the weights of `r` as one side, of pairs that may be known, for what may be seen on the other side. */
function bestAs(
  [mine, theirs]: (typeof sides)[keyof typeof sides],
  { otherVisible, mayKnow }: Known,
  most?: number,
): Prisma.Sql {
  const measured = Prisma.sql`SELECT p.* FROM pair p WHERE p.${mine} = r.weights_sha256 AND p.verdict <> 'not_measured' ORDER BY p.verdict`;
  const limit = (count?: number): Prisma.Sql => (count === undefined ? Prisma.empty : Prisma.raw(`LIMIT ${count}`));
  const found = Prisma.sql`(SELECT p.verdict FROM (${measured} ${limit(most)}) p
    WHERE ${mayKnow} AND (SELECT TRUE FROM repo o WHERE o.weights_sha256 = p.${theirs} AND ${otherVisible} LIMIT 1) ORDER BY p.verdict LIMIT 1)`;
  if (most === undefined) return found;
  return Prisma.sql`coalesce(${found}, CASE WHEN EXISTS (${measured} OFFSET ${Prisma.raw(String(most))})
    THEN (SELECT c."values"[5]::verdict FROM counted_repo c WHERE c.repo_id = r.id) END)`;
}

/** Only the side that it stands on: with few guides the planner takes each to be in very many pairs, and reads all pairs to find that one is in none. */
const bestOf = (known: Known, most?: number): Prisma.Sql =>
  Prisma.sql`CASE WHEN r.at_best IS NULL THEN NULL WHEN ${canInSql("r", "guides")} THEN ${bestAs(sides.guides, known, most)} ELSE ${bestAs(sides.draws, known, most)} END`;

/**
 * The best verdict of the newest weights of a repo `r`, of what may be seen on both sides; null where there is none. Where others have
 * measured so much with it that the walk ends before it, the best that everybody may know, as it was last counted.
 */
export const bestVerdict = (known: Known): Prisma.Sql => bestOf(known, MOST_PAIRS);

/** The same, however much is walked past: for whoever has time. */
export const bestVerdictOfAll = (known: Known): Prisma.Sql => bestOf(known);

/** What a repo is at best finds what to look at; what is asked of its pairs decides, as far as these may be known. */
function hasVerdict(verdict: Verdict, known: Known): Prisma.Sql {
  if (verdict === "notMeasured") return askedOfEach(Prisma.sql`${bestVerdict(known)} IS NULL`);
  const wanted = Prisma.raw(`'${verdictInDatabase(verdict)}'::verdict`);
  return Prisma.sql`r.at_best <= ${wanted} AND ${askedOfEach(Prisma.sql`${bestVerdict(known)} = ${wanted}`)}`;
}
