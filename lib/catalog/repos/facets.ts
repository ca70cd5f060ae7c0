import { verdictOf } from "#lib/catalog/pairs/verdict.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { type Facets, MAX_COUNTED, sizes } from "./schema.ts";
import { bestVerdict, firstOf, type Selection, sizeClass } from "./selection.ts";

type Facet = Exclude<keyof Facets, "partial">;

const MAX_VALUES = 50; // of a facet

/** By the name of a facet, what of a selection chooses from it, and how its values are counted among rows `r`. */
const facets: { readonly [F in Facet]: { readonly chosenBy: keyof Selection; count(among: Prisma.Sql): Prisma.Sql } } =
  {
    kind: {
      chosenBy: "kind",
      count: (among) => Prisma.sql`SELECT r.kind::text, count(*) FROM ${among} r GROUP BY r.kind`,
    },
    base: {
      chosenBy: "baseId",
      count: (among) =>
        Prisma.sql`SELECT r.base_name, count(*) FROM ${among} r WHERE r.base_name IS NOT NULL GROUP BY r.base_name`,
    },
    license: {
      chosenBy: "license",
      count: (among) =>
        Prisma.sql`SELECT r.license, count(*) FROM ${among} r WHERE r.license IS NOT NULL GROUP BY r.license`,
    },
    size: {
      chosenBy: "size",
      count: (among) =>
        Prisma.sql`SELECT r.size::text, count(*) FROM ${among} r WHERE r.size IS NOT NULL GROUP BY r.size`,
    },
    measured: {
      chosenBy: "measured",
      count: (among) => Prisma.sql`SELECT r.verdict::text, count(*) FROM ${among} r GROUP BY r.verdict`,
    },
  };
const names = Object.keys(facets) as Facet[];

interface Row {
  readonly facet: Facet;
  /** Null: how many were counted, of all that it could be. */
  readonly value: string | null;
  readonly count: number;
}

/**
 * Counts each facet as if nothing were chosen from it, among the newest so many that answer to the rest: exactly where there are no
 * more, else at least so many. One statement; those facets of which nothing is chosen are counted among the same.
 */
export async function countFacets(selection: Selection): Promise<Facets> {
  const chosen = names.filter((name) => selection[facets[name].chosenBy] !== undefined);
  const windows = [
    { among: selection, counted: names.filter((name) => !chosen.includes(name)) },
    ...chosen.map((name) => ({ among: { ...selection, [facets[name].chosenBy]: undefined }, counted: [name] })),
  ].filter(({ counted }) => counted.length > 0);
  const nameOf = (index: number): Prisma.Sql => Prisma.raw(`among_${index}`);
  const rows = await database().$queryRaw<Row[]>`
    WITH ${Prisma.join(
      windows.map(
        ({ among, counted }, index) => Prisma.sql`${nameOf(index)} AS MATERIALIZED ${newest(among, counted)}`,
      ),
      ", ",
    )}
    SELECT facet, value, count::int AS count FROM (${Prisma.join(
      windows.flatMap(({ counted }, index) => counted.map((name) => countOf(name, nameOf(index)))),
      " UNION ALL ",
    )}) counted ORDER BY count DESC, value`;
  const of = (facet: Facet, nameOfValue = (value: string): string => value): Facets["kind"] =>
    rows
      .filter((row) => row.facet === facet && row.value !== null)
      .map(({ value, count }) => ({ value: nameOfValue(value!), count }));
  return {
    kind: of("kind"),
    base: of("base"),
    license: of("license"),
    size: of("size", (value) => sizes[Number(value) - 1]!.name),
    measured: of("measured", verdictOf),
    partial: rows.filter(({ value, count }) => value === null && count > MAX_COUNTED).map(({ facet }) => facet),
  };
}

/** One more than is counted tells whether there are more. What no facet asks of it is not looked up. */
const newest = (among: Selection, counted: readonly Facet[]): Prisma.Sql => {
  const column = (facet: Facet, value: Prisma.Sql): Prisma.Sql => (counted.includes(facet) ? value : Prisma.sql`NULL`);
  return Prisma.sql`(
    SELECT r.kind, r.license, ${column("base", Prisma.sql`(SELECT n.name || '/' || b.name FROM repo b JOIN namespace n ON n.id = b.namespace_id WHERE b.id = r.base_id AND ${among.baseVisible})`)} AS base_name,
      ${column("size", sizeClass)} AS size, ${column("measured", Prisma.sql`coalesce(${bestVerdict(among.otherVisible)}, 'not_measured')`)} AS verdict,
      row_number() OVER () AS place
    FROM ${firstOf(among, "updated", null, MAX_COUNTED + 1)} r)`;
};

const countOf = (facet: Facet, window: Prisma.Sql): Prisma.Sql => Prisma.sql`
  (SELECT ${facet} AS facet, NULL AS value, count(*) AS count FROM ${window})
  UNION ALL (SELECT ${facet}, * FROM (${facets[facet].count(Prisma.sql`(SELECT * FROM ${window} WHERE place <= ${MAX_COUNTED})`)}) each ORDER BY 2 DESC, 1 LIMIT ${MAX_VALUES})`;
