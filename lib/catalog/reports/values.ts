import { z } from "zod";
import type { PairView } from "#lib/catalog/pairs/schema.ts";

const value = z.looseObject({ prompt: z.string() });

/**
 * What every prompt gave, as a table: a line for each, a column for each mode. Of what was measured by an older protocol the columns
 * that it had.
 */
export function* valueRows({ measurements }: Pick<PairView, "measurements">): Generator<(string | number | null)[]> {
  const raw = z.array(value).safeParse(measurements.find(({ level }) => level === 4)?.raw ?? []);
  const rows = raw.success ? raw.data : [];
  const columns = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((column) =>
    rows.every((row) => ["string", "number", "undefined"].includes(typeof (row[column] ?? undefined))),
  );
  yield columns;
  for (const row of rows) yield columns.map((column) => (row[column] as string | number | undefined) ?? null);
}
