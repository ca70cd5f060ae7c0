import { verdictInDatabase } from "#lib/catalog/verdict.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { type Facets, sizes } from "./schema.ts";
import { type Selection, sizeClass } from "./selection.ts";

export type Facet = keyof Facets;

/** In the order in which what is stored has them: a new one comes last, and has every repo counted anew. */
export const facetNames = ["kind", "base", "license", "size", "measured"] as const satisfies readonly Facet[];

/** A text for each facet; null where there is none. */
export type FacetValues = readonly (string | null)[];

/** What a row `r` of repos is counted as, where `verdict` is the best that is known of it. */
export const countedAs = (verdict: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`ARRAY[r.kind::text, r.base_id::text, r.license, ${sizeClass}::text, coalesce(${verdict}, 'not_measured')::text]`;

/** What a selection chooses from each. */
export const chosenFrom = ({ kind, baseId, license, size, measured }: Selection): FacetValues => [
  kind ?? null,
  baseId ?? null,
  license ?? null,
  size === undefined ? null : String(sizes.findIndex(({ name }) => name === size) + 1),
  measured === undefined ? null : verdictInDatabase(measured),
];

/** And nothing else of it. */
export const withoutChoice = (selection: Selection): Selection => ({
  ...selection,
  kind: undefined,
  baseId: undefined,
  license: undefined,
  size: undefined,
  measured: undefined,
});
