import { toSqlFailure } from "./sql-failure.ts";

const CHECK_VIOLATION = "23514";

/**
 * The name of the rule that a write broke: a unique index, a foreign key, a check, or what a trigger keeps, as they are named in
 * prisma/migrations. Null for every other failure.
 */
export function violatedRule(failure: unknown): string | null {
  const said = toSqlFailure(failure);
  if (said?.index) return said.index;
  if (said?.code !== CHECK_VIOLATION) return null;
  // The adapter drops the name of a check. Our triggers repeat theirs as the detail; PostgreSQL quotes its own in the message.
  return /^\w+$/.exec(said.detail ?? "")?.[0] ?? /"(\w+)"$/.exec(said.message)?.[1] ?? null;
}
