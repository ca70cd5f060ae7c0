import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";

/** So many are asked about, since not everybody may see each of them. */
const MOST_LIKE = 50;
const SHOWN = 5;
/** Longer than any name. */
const MOST_LETTERS = 200;

/** The full names of repos that were perhaps meant by what nothing answers to, the most alike first. */
export async function nearestNames(actor: Actor, asked: string): Promise<string[]> {
  const name = asked.trim().toLowerCase().slice(0, MOST_LETTERS);
  const rows = await database().$queryRaw<{ name: string }[]>`
    SELECT n.name || '/' || r.name AS name
    FROM repos_with_names_like(${name}, ${MOST_LIKE}) l JOIN repo r ON r.id = l.id JOIN namespace n ON n.id = r.namespace_id
    WHERE r.deleted_at IS NULL AND r.has_commits AND ${isVisible(actor, "r")}
    ORDER BY l.likeness DESC, r.id LIMIT ${SHOWN}`;
  return rows.map((row) => row.name);
}
