import { verdictOf } from "#lib/catalog/verdict.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { type Facets, MAX_COUNTED, repoKind, type RepoItem, sizes } from "./schema.ts";
import { bestVerdict, firstOf, type Selection, sizeClass } from "./selection.ts";

type Facet = keyof Facets;
/** Kinds are few: each is counted on its own, so that a few guides are not lost among many fine-tunes. */
type Windowed = Exclude<Facet, "kind">;

const MAX_VALUES = 50; // of a facet

interface Counting {
  /** What of a selection chooses from it. */
  readonly chosenBy: keyof Selection;
  /** Its value of a row `r`; null for a row that has none. */
  value(of: Selection): Prisma.Sql;
  /** How `counted.value` is called, and the tables that say so; left out where it is called as it is. */
  readonly called?: { readonly as: Prisma.Sql; tables(of: Selection): Prisma.Sql };
}

const windowed: Readonly<Record<Windowed, Counting>> = {
  base: {
    chosenBy: "baseId",
    value: () => Prisma.sql`r.base_id`,
    called: {
      as: Prisma.sql`n.name || '/' || b.name`,
      tables: ({ baseVisible }) =>
        Prisma.sql`JOIN repo b ON b.id = counted.value AND ${baseVisible} JOIN namespace n ON n.id = b.namespace_id`,
    },
  },
  license: { chosenBy: "license", value: () => Prisma.sql`r.license` },
  size: { chosenBy: "size", value: () => Prisma.sql`${sizeClass}::text` },
  measured: {
    chosenBy: "measured",
    value: (selection) => Prisma.sql`coalesce(${bestVerdict(selection)}, 'not_measured')::text`,
  },
};
const names = Object.keys(windowed) as Windowed[];

interface Row {
  readonly facet: Facet;
  readonly value: string;
  readonly count: number;
  readonly isLeast: boolean;
}

/**
 * Counts each facet as if nothing were chosen from it, among the newest so many that answer to the rest: exactly where there are no
 * more, else at least so many. One statement; those facets of which nothing is chosen are counted among the same.
 */
export async function countFacets(selection: Selection): Promise<Facets> {
  const chosen = names.filter((name) => selection[windowed[name].chosenBy] !== undefined);
  const windows = [
    { among: selection, counted: names.filter((name) => !chosen.includes(name)) },
    ...chosen.map((name) => ({ among: { ...selection, [windowed[name].chosenBy]: undefined }, counted: [name] })),
  ].filter(({ counted }) => counted.length > 0);
  const nameOf = (index: number): Prisma.Sql => Prisma.raw(`newest_${index}`);
  const rows = await database().$queryRaw<Row[]>`
    WITH ${Prisma.join(
      windows.map(
        ({ among, counted }, index) => Prisma.sql`${nameOf(index)} AS MATERIALIZED ${newest(among, counted)}`,
      ),
      ", ",
    )}
    SELECT facet, value, least(count, ${MAX_COUNTED})::int AS count, is_least AS "isLeast" FROM (${Prisma.join(
      [
        ...repoKind.options.map((kind) => countOfKind(selection, kind)),
        ...windows.flatMap(({ counted }, index) => counted.map((name) => countOf(name, selection, nameOf(index)))),
      ],
      " UNION ALL ",
    )}) counted WHERE count > 0 ORDER BY count DESC, value`;
  const of = (facet: Facet, nameOfValue = (value: string): string => value): Facets["kind"] =>
    rows
      .filter((row) => row.facet === facet)
      .map(({ value, count, isLeast }) => ({
        value: nameOfValue(value),
        count,
        ...(isLeast && { atLeast: true as const }),
      }));
  return {
    kind: of("kind"),
    base: of("base"),
    license: of("license"),
    size: of("size", (value) => sizes[Number(value) - 1]!.name),
    measured: of("measured", verdictOf),
  };
}

/** One more than is counted tells whether there are more. */
const bounded = (selection: Selection): Prisma.Sql => firstOf(selection, "updated", null, MAX_COUNTED + 1);

const countOfKind = (selection: Selection, kind: RepoItem["kind"]): Prisma.Sql => Prisma.sql`
  (SELECT 'kind' AS facet, ${kind} AS value, count(*) AS count, count(*) > ${MAX_COUNTED} AS is_least FROM ${bounded({ ...selection, kind })} r)`;

const newest = (among: Selection, counted: readonly Windowed[]): Prisma.Sql => Prisma.sql`(
  SELECT ${Prisma.join(counted.map((name) => Prisma.sql`${windowed[name].value(among)} AS ${Prisma.raw(name)}`))},
    row_number() OVER () AS place, count(*) OVER () > ${MAX_COUNTED} AS is_least
  FROM ${bounded(among)} r)`;

const countOf = (name: Windowed, selection: Selection, window: Prisma.Sql): Prisma.Sql => {
  const { as, tables } = windowed[name].called ?? { as: Prisma.sql`counted.value`, tables: () => Prisma.empty };
  return Prisma.sql`
    (SELECT ${name}, ${as}, counted.count, counted.is_least FROM (
      SELECT ${Prisma.raw(name)} AS value, count(*) AS count, bool_or(is_least) AS is_least FROM ${window}
      WHERE place <= ${MAX_COUNTED} AND ${Prisma.raw(name)} IS NOT NULL GROUP BY 1) counted ${tables(selection)}
    ORDER BY 3 DESC, 2 LIMIT ${MAX_VALUES})`;
};
