import { z } from "zod";
import { AppError } from "#lib/errors.ts";
import { isStorableText } from "#lib/util/storable.ts";

/** A part of a list, and where the next one begins; null at the end. */
export interface Page<Item> {
  readonly items: Item[];
  readonly next: string | null;
}

/** What every list takes in its address. */
export const pageQuery = z.object({
  cursor: z.string().max(2000).optional().meta({ description: "“next” of the page before" }),
  limit: z.coerce.number().int().min(1).max(100).default(30).meta({ description: "how many at most" }),
});

export const pageOf = <Item extends z.ZodType>(
  item: Item,
): z.ZodObject<{ items: z.ZodArray<Item>; next: z.ZodNullable<z.ZodString> }> =>
  z.object({
    items: z.array(item),
    next: z
      .string()
      .nullable()
      .meta({ description: "the cursor of the next page, also where this one is shorter than asked; null at the end" }),
  });

/** A place in a list, opaque to whoever carries it. */
export const toCursor = (place: readonly (string | number)[]): string =>
  Buffer.from(JSON.stringify(place)).toString("base64url");

/** A moment in a place; PostgreSQL knows no year 0. */
export const placeTime = z.iso.datetime().refine((text) => !text.startsWith("0000"));

/** @throws bad_request for anything that is not such a place */
export function parseCursor<Place extends z.ZodType>(cursor: string, place: Place): z.output<Place> {
  try {
    const values = z.array(storable).parse(JSON.parse(Buffer.from(cursor, "base64url").toString()));
    return place.parse(values);
  } catch (cause) {
    throw new AppError(
      "bad_request",
      "The cursor is not one of this list; leave it out to begin at its start.",
      { field: "cursor" },
      cause,
    );
  }
}

const storable = z.unknown().refine((value) => typeof value !== "string" || isStorableText(value));

/** Of one row more than asked for: a page, and whether there is another behind it. */
export function toPage<Item>(
  rows: readonly Item[],
  limit: number,
  placeOf: (last: Item) => readonly (string | number)[],
): Page<Item> {
  const items = rows.slice(0, limit);
  return { items, next: rows.length > limit ? toCursor(placeOf(items.at(-1)!)) : null };
}

/** A row that was looked at for a list, and whether it is one of those that were asked for and may be known. */
export interface Looked {
  readonly id: string;
  readonly createdAt: Date;
  readonly isShown: boolean;
}

/**
 * Of rows that were looked at, at most `most` of them, those that are to be shown: a page is shorter than asked where so many were walked
 * past that looking ended, and the next one goes on there.
 */
export function toPageOfLooked<Row extends { readonly isShown: boolean }>(
  rows: readonly Row[],
  limit: number,
  most: number,
  placeOf: (last: Row) => readonly (string | number)[],
): Page<Row> {
  const shown = rows.filter(({ isShown }) => isShown);
  const items = shown.slice(0, limit);
  const end = shown.length > limit ? items.at(-1) : rows.length < most ? null : rows.at(-1);
  return { items, next: end ? toCursor(placeOf(end)) : null };
}
