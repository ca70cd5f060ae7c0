import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { can, type Capability, kinds, kindsThat } from "#lib/catalog/kinds.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { type Model, modelColumns } from "./models.ts";

export interface Family {
  readonly contract: string;
  readonly baseRepoId: string | null;
}

/** Where a list of models goes on: behind the base (1) or a fine-tune (0) of so many downloads. */
export type FamilyPlace = readonly [isBase: number, downloads: number, repoId: string];

/** How many of a family are counted at most. */
const MAX_FAMILY = 1000;

/**
 * As rows `m` of repos the first of a family that can do something, behind a place: the base before the rest, then the most used. By
 * kind, for in each of them an index has that order; so it costs the same in a family of ten and of ten thousand, anywhere in it.
 */
export function firstOfFamily(
  { contract, baseRepoId }: Family,
  what: Capability,
  limit: number,
  after: FamilyPlace | null = null,
): Prisma.Sql {
  const count = Prisma.raw(String(limit));
  const parts = kindsThat(what).map(
    (
      kind,
    ) => Prisma.sql`(SELECT m.* FROM repo m WHERE m.deleted_at IS NULL AND m.family_id = ${baseRepoId}::uuid AND m.contract = ${contract} AND m.kind = ${Prisma.raw(`'${kind}'`)} AND ${isBehind(Number(kinds[kind].isBase), after)}
      ORDER BY m.downloads DESC, m.id DESC LIMIT ${count})`,
  );
  return Prisma.sql`(SELECT * FROM (${Prisma.join(parts, " UNION ALL ")}) m ORDER BY ${order} LIMIT ${count})`;
}

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

/**
 * Of the next `most` of a family that can do something, each, and whether `visible`, a condition on `m`, lets it through: hidden ones are
 * walked past, but never more than these.
 */
export const nextOfFamily = (
  family: Family,
  what: Capability,
  visible: Prisma.Sql,
  after: FamilyPlace | null,
  most: number,
): Promise<(Relative & { readonly isShown: boolean })[]> => database().$queryRaw`
  SELECT ${modelColumns}, m.downloads, n.name || '/' || m.name AS repo, ${visible} AS "isShown"
  FROM ${firstOfFamily(family, what, most, after)} m JOIN namespace n ON n.id = m.namespace_id JOIN inspection i ON i.id = m.head_inspection_id
  ORDER BY ${order}`;

/** The guides of a family that may be seen, of a thousand that are looked at. */
export const guidesOfFamily = (family: Family, visible: Prisma.Sql, count: number): Promise<Relative[]> =>
  database().$queryRaw`
  SELECT ${modelColumns}, m.downloads, n.name || '/' || m.name AS repo
  FROM (SELECT * FROM ${firstOfFamily(family, "guides", MAX_FAMILY)} m WHERE ${visible} ORDER BY ${order} LIMIT ${Prisma.raw(String(count))}) m
  JOIN namespace n ON n.id = m.namespace_id JOIN inspection i ON i.id = m.head_inspection_id
  ORDER BY ${order}`;

/** How many of a family may be seen, of a thousand that are looked at: guides, and what draws. */
export async function sizeOfFamily(
  family: Family,
  visible: Prisma.Sql,
): Promise<{ readonly guides: number; readonly models: number }> {
  const count = (what: Capability): Prisma.Sql =>
    Prisma.sql`(SELECT count(*)::int FROM ${firstOfFamily(family, what, MAX_FAMILY)} m WHERE ${visible})`;
  const [size] = await database().$queryRaw<
    [{ guides: number; models: number }]
  >`SELECT ${count("guides")} AS guides, ${count("draws")} AS models`;
  return size;
}
