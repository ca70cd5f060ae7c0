import { notFound } from "next/navigation.js";
import type { z } from "zod";
import { isStorableText } from "#lib/util/storable.ts";

/** What stands behind the “?” of a page's address. */
export type SearchParams = Promise<Record<string, string | string[] | undefined>>;

/** The address by a schema. Somebody may have typed it: what cannot be used is as if it were not there. */
export function parseAddress<Schema extends z.ZodObject>(
  schema: Schema,
  given: Readonly<Record<string, string | string[] | undefined>>,
): z.output<Schema> {
  const fields = Object.fromEntries(
    Object.entries(given).flatMap(([name, value]) => {
      const text: unknown = Array.isArray(value) ? value[0] : value; // of “?toString=1” Next makes a function
      return typeof text === "string" && text !== "" && isStorableText(text) ? [[name, text]] : [];
    }),
  );
  const first = schema.safeParse(fields);
  if (first.success) return first.data;
  for (const { path } of first.error.issues) delete fields[String(path[0])];
  return schema.parse(fields);
}

/** What an address names, by a schema; where it cannot name anything, the not-found page. */
export const named = <Schema extends z.ZodType>(schema: Schema, given: z.input<Schema>): z.output<Schema> =>
  schema.safeParse(given).data ?? notFound();

/** An address with some of its fields changed; null takes one out. */
export function addressWith(
  path: string,
  fields: Readonly<Record<string, string | undefined>>,
  change: Readonly<Record<string, string | null>>,
): string {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries({ ...fields, ...change }))
    if (value !== null && value !== undefined && value !== "") query.set(name, value);
  return query.size > 0 ? `${path}?${query}` : path;
}
