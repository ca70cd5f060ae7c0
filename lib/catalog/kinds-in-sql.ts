import { Prisma } from "#lib/db/generated/client.ts";
import { type Capability, kindsThat } from "./kinds.ts";

/**
 * Whether a row of repos that goes by `alias` can do something, as a condition of SQL. The kinds stand in it as they are, for then
 * PostgreSQL finds an index on them.
 */
export function canInSql(alias: string, what: Capability): Prisma.Sql {
  const kinds = kindsThat(what).map((kind) => `'${kind}'`);
  if (kinds.length === 0) return Prisma.sql`FALSE`;
  return Prisma.raw(kinds.length === 1 ? `${alias}.kind = ${kinds[0]}` : `${alias}.kind IN (${kinds.join(", ")})`);
}
