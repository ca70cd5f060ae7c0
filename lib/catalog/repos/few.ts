import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { chosenFrom } from "./counted-as.ts";
import { countsAreKept, isLargeHub } from "./keep-counts.ts";
import type { Selection } from "./selection.ts";

/** So many are named; of more, a walk through any list of repos meets one after some dozens. */
const MAX_FEW = 2000;

/**
 * The public repos that answer to all that is chosen from facets, as counted within the last minute, if they are few. Several filters may
 * each fit many repos and all together none: a list would be walked to its end to find that out. Null where one walk will do.
 */
export async function findFew(selection: Selection): Promise<readonly string[] | null> {
  // What an asker knows of public repos beyond what everybody does is in no count.
  const isForAll = selection.visible.every(({ isPublic }) => isPublic);
  const chosen = chosenFrom(isForAll ? selection : { ...selection, measured: undefined });
  const places = chosen.flatMap((value, place) => (value === null ? [] : [place]));
  const [first] = places;
  if (first === undefined || places.length < 2 || selection.words !== undefined) return null;
  const others = chosen.map((value, place) => (place === first ? null : value));
  const [{ areFew }] = await database().$queryRaw<[{ areFew: boolean }]>`
    SELECT ${countsAreKept} AND ${isLargeHub} AND NOT EXISTS (
      SELECT FROM facet_count WHERE facet = ${first}::smallint AND chosen = facet_choice(${others}::text[]) AND value = ${chosen[first]} AND count > ${MAX_FEW}) AS "areFew"`;
  if (!areFew) return null;
  const values = chosen.filter((value) => value !== null);
  const isThere = places.map((place) => Prisma.sql`"values"[${Prisma.raw(String(place + 1))}] = ${chosen[place]}`);
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT repo_id AS id FROM counted_repo WHERE "values" @> ${values}::text[] AND ${Prisma.join(isThere, " AND ")}`;
  return rows.map(({ id }) => id);
}
