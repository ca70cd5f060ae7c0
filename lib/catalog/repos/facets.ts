import { verdictOf } from "#lib/catalog/verdict.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { chosenFrom, countedAs, type Facet, facetNames, type FacetValues, withoutChoice } from "./counted-as.ts";
import { countsAreKept, isLargeHub } from "./keep-counts.ts";
import { type Facets, MAX_COUNTED, sizes } from "./schema.ts";
import { bestVerdict, firstOf, type Selection } from "./selection.ts";

const MAX_VALUES = 50; // of a facet
const MAX_LOOKED_AT = 2 * MAX_VALUES; // bases that the asker may not see are walked past

/** What counts that are kept do not tell apart. */
const isNarrowed = ({ words, owner, tags = [], draws = false }: Selection): boolean =>
  words !== undefined || owner !== undefined || tags.length > 0 || draws;

interface Count {
  readonly facet: Facet;
  readonly value: string;
  readonly count: number;
  readonly isLeast: boolean;
}

/**
 * Counts each facet as if nothing were chosen from it. What there are no more than `MAX_COUNTED` of is counted one by one, as the asker
 * knows it at this moment. Of a larger hub the public repos are counted beforehand (`keepCounts`), and the asker's own private ones are
 * looked at and added. Only beside words, owners and tags, and while nobody keeps the counts, the newest are counted, and there are at
 * least so many.
 */
export async function countFacets(selection: Selection): Promise<Facets> {
  const [{ areKept, areCurrent, isLarge }] = await database().$queryRaw<
    [{ areKept: boolean; areCurrent: boolean; isLarge: boolean }]
  >`SELECT ${countsAreKept} AS "areKept", NOT EXISTS (SELECT FROM facet_due) AS "areCurrent", ${isLargeHub} AS "isLarge"`;
  const isCounted = areKept && !isNarrowed(selection);
  const newest = isCounted && isLarge ? null : await countNewest(selection, areCurrent);
  const counts =
    newest === null || (isCounted && newest.some(({ isLeast }) => isLeast))
      ? addPrivate(await countPublic(selection), await countPrivate(selection))
      : newest;
  const largest = Map.groupBy(sumOf(counts), ({ facet }) => facet);
  const of = (facet: Facet, nameOf: (value: string) => string | undefined = (value) => value): Facets["kind"] =>
    (largest.get(facet) ?? [])
      .flatMap(({ value, count, isLeast }) => {
        const name = nameOf(value);
        return name === undefined ? [] : [{ value: name, count, ...(isLeast && { atLeast: true as const }) }];
      })
      .toSorted((a, b) => b.count - a.count || (a.value < b.value ? -1 : 1))
      .slice(0, MAX_VALUES);
  const bases = await namesOf(selection, largest.get("base") ?? []);
  return {
    kind: of("kind"),
    base: of("base", (value) => bases.get(value)),
    license: of("license"),
    size: of("size", (value) => sizes[Number(value) - 1]!.name),
    measured: of("measured", verdictOf),
  };
}

/** Of each facet the values that most public repos have, which answer to what is chosen from the others. */
async function countPublic(selection: Selection): Promise<Count[]> {
  const chosen = chosenFrom(selection);
  const parts = facetNames.map((facet, place) => {
    const others = chosen.map((value, at) => (at === place ? null : value));
    return Prisma.sql`(SELECT ${facet} AS facet, value, count, false AS "isLeast" FROM facet_count
      WHERE facet = ${Prisma.raw(String(place))} AND chosen = facet_choice(${others}::text[]) AND count > 0 ORDER BY count DESC, value LIMIT ${Prisma.raw(String(MAX_LOOKED_AT))})`;
  });
  return database().$queryRaw<Count[]>`${Prisma.join(parts, " UNION ALL ")}`;
}

/** What only the asker and a few others see. */
async function countPrivate(selection: Selection): Promise<Count[]> {
  const visible = selection.visible.filter(({ isPublic }) => !isPublic);
  return visible.length === 0 ? [] : countNewest({ ...selection, visible }, false);
}

/** Of the newest that answer to the rest of a selection, counted one by one. */
async function countNewest(selection: Selection, areCurrent: boolean): Promise<Count[]> {
  const { words } = selection;
  const others = withoutChoice(selection);
  const isCommon = words !== undefined && "common" in words;
  // Of common words some that answer are known by name; where an owner or a tag is chosen as well, it is looked through those.
  const isAmongSome = isCommon && !isNarrowed({ ...selection, words: undefined });
  const among = isCommon ? { ...others, words: isAmongSome ? { found: words.some } : undefined } : others;
  const answers = isCommon && !isAmongSome ? words.common : Prisma.sql`TRUE`;
  // What everybody may know, where nobody may know better. Asked of each row: a join would read the table whole.
  const known = Prisma.sql`(SELECT c."values"[${Prisma.raw(String(facetNames.indexOf("measured") + 1))}] FROM counted_repo c WHERE c.repo_id = r.id)`;
  const verdict = areCurrent
    ? Prisma.sql`CASE WHEN r.at_best IS NULL THEN NULL WHEN ${known} = r.at_best::text THEN r.at_best ELSE ${bestVerdict(selection)} END`
    : bestVerdict(selection);
  const rows = await database().$queryRaw<{ values: FacetValues; answers: boolean }[]>`
    SELECT ${countedAs(verdict)} AS "values", ${answers} AS answers
    FROM ${firstOf(among, "updated", null, MAX_COUNTED + 1)} r`;
  const isLeast = isAmongSome || rows.length > MAX_COUNTED;
  const chosen = chosenFrom(selection);
  const counted = rows.slice(0, MAX_COUNTED).filter((row) => row.answers);
  return facetNames.flatMap((facet, place) => {
    const isMeant = ({ values }: { readonly values: FacetValues }): boolean =>
      values[place] !== null && chosen.every((value, at) => at === place || value === null || value === values[at]);
    const byValue = Map.groupBy(counted.filter(isMeant), ({ values }) => values[place]!);
    return [...byValue].map(([value, all]) => ({ facet, value, count: all.length, isLeast }));
  });
}

/** A private value that is not among the most frequent public ones may be a public one as well. */
function addPrivate(ofPublic: readonly Count[], ofPrivate: readonly Count[]): Count[] {
  const isCut = (facet: Facet): boolean => ofPublic.filter((one) => one.facet === facet).length === MAX_LOOKED_AT;
  const cut = new Set(facetNames.filter(isCut));
  const known = new Set(ofPublic.map(({ facet, value }) => `${facet} ${value}`));
  return [
    ...ofPublic,
    ...ofPrivate.map((one) => ({
      ...one,
      isLeast: one.isLeast || (cut.has(one.facet) && !known.has(`${one.facet} ${one.value}`)),
    })),
  ];
}

function sumOf(counts: readonly Count[]): Count[] {
  const byValue = Map.groupBy(counts, ({ facet, value }) => `${facet} ${value}`);
  return [...byValue.values()].map((same) => ({
    ...same[0]!,
    count: same.reduce((sum, { count }) => sum + count, 0),
    isLeast: same.some(({ isLeast }) => isLeast),
  }));
}

/** Of the bases that the asker may see. */
async function namesOf({ baseVisible }: Selection, counts: readonly Count[]): Promise<ReadonlyMap<string, string>> {
  if (counts.length === 0) return new Map();
  const rows = await database().$queryRaw<{ id: string; name: string }[]>`
    SELECT b.id, n.name || '/' || b.name AS name FROM repo b JOIN namespace n ON n.id = b.namespace_id
    WHERE b.id = ANY (${counts.map(({ value }) => value)}::uuid[]) AND ${baseVisible}`;
  return new Map(rows.map(({ id, name }) => [id, name]));
}
