import { type VisiblePart, visibleParts } from "#lib/auth/access.ts";
import { hub } from "#lib/auth/actor.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { can, type Capability, kinds, kindsThat } from "#lib/catalog/kinds.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type RepoKind } from "#lib/db/generated/client.ts";
import { type Model, modelColumns } from "./models.ts";

export interface Family {
  readonly contract: string;
  readonly baseRepoId: string | null;
}

/** Where a list of models goes on: behind the base (1) or a fine-tune (0) of so many downloads. */
export type FamilyPlace = readonly [isBase: number, downloads: number, repoId: string];

/** How many of a family are counted at most. */
export const MAX_FAMILY = 1000;

/** On `m`: whatever is there. */
const everything = visibleParts(hub, "m");

/**
 * As rows `m` of repos the first of a family that can do something, behind a place: the base before the rest, then the most used. By
 * kind, by who sees it and of private ones by namespace, for each of them has an index in that order; so it costs the same in a family of
 * ten and of ten thousand, anywhere in it, whoever else has hidden how many in it.
 */
export function firstOfFamily(
  family: Family,
  what: Capability,
  limit: number,
  visible: readonly VisiblePart[] = everything,
  after: FamilyPlace | null = null,
): Prisma.Sql {
  const count = Prisma.raw(String(limit));
  const parts = partsOf(family, what, visible, (kind, rows) => {
    const behind = isBehind(Number(kinds[kind].isBase), after);
    return Prisma.sql`(SELECT m.* ${rows} AND ${behind} ORDER BY m.downloads DESC, m.id DESC LIMIT ${count})`;
  });
  return Prisma.sql`(SELECT * FROM (${Prisma.join(parts, " UNION ALL ")}) m ORDER BY ${order} LIMIT ${count})`;
}

/** Each part of a family, of which `ask` makes a question out of “FROM repo m WHERE …”. */
const partsOf = (
  { contract, baseRepoId }: Family,
  what: Capability,
  visible: readonly VisiblePart[],
  ask: (kind: RepoKind, rows: Prisma.Sql) => Prisma.Sql,
): Prisma.Sql[] =>
  kindsThat(what).flatMap((kind) =>
    visible.map(({ visible: isVisible, namespaces }) => {
      const rows = Prisma.sql`FROM repo m WHERE ${isVisible} AND m.family_id = ${baseRepoId}::uuid AND m.contract = ${contract} AND m.kind = ${Prisma.raw(`'${kind}'`)}`;
      return namespaces === null
        ? ask(kind, rows)
        : Prisma.sql`(SELECT m.* FROM (${namespaces}) own(id), LATERAL ${ask(kind, Prisma.sql`${rows} AND m.namespace_id = own.id`)} m)`;
    }),
  );

const order = Prisma.sql`${canInSql("m", "isBase")} DESC, m.downloads DESC, m.id DESC`;

function isBehind(isBase: number, after: FamilyPlace | null): Prisma.Sql {
  if (after === null || isBase < after[0]) return Prisma.sql`TRUE`;
  if (isBase > after[0]) return Prisma.sql`FALSE`;
  return Prisma.sql`(m.downloads, m.id) < (${after[1]}::int, ${after[2]}::uuid)`;
}

/** A model of a family, and where it stands in it. */
export interface Relative extends Model {
  readonly repo: string;
  readonly downloads: number;
}

export const placeInFamily = (one: Relative): FamilyPlace => [can(one, "isBase") ? 1 : 0, one.downloads, one.repoId];

/** The next so many of a family that can do something and may be seen. */
export const nextOfFamily = (
  family: Family,
  what: Capability,
  visible: readonly VisiblePart[],
  after: FamilyPlace | null,
  count: number,
): Promise<Relative[]> => database().$queryRaw`
  SELECT ${modelColumns}, m.downloads, n.name || '/' || m.name AS repo
  FROM ${firstOfFamily(family, what, count, visible, after)} m
  CROSS JOIN LATERAL (SELECT name FROM namespace WHERE id = m.namespace_id LIMIT 1) n JOIN inspection i ON i.id = m.head_inspection_id
  ORDER BY ${order}`;

/** How many of a family may be seen, `MAX_FAMILY` of each where there are more: guides, and what draws. */
export async function sizeOfFamily(
  family: Family,
  visible: readonly VisiblePart[],
): Promise<{ readonly guides: number; readonly models: number }> {
  const most = Prisma.raw(String(MAX_FAMILY));
  const count = (what: Capability): Prisma.Sql => {
    const parts = partsOf(family, what, visible, (_kind, rows) => Prisma.sql`(SELECT m.id ${rows} LIMIT ${most})`);
    return Prisma.sql`(SELECT count(*)::int FROM (SELECT FROM (${Prisma.join(parts, " UNION ALL ")}) m LIMIT ${most}) counted)`;
  };
  const [size] = await database().$queryRaw<
    [{ guides: number; models: number }]
  >`SELECT ${count("guides")} AS guides, ${count("draws")} AS models`;
  return size;
}
