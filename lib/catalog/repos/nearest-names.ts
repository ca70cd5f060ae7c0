import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";

/** Of more repos than these that are like it, any so many are compared. */
const MOST_LIKE = 500;
const SHOWN = 5;
/** Longer than any name. */
const MOST_LETTERS = 200;
/** Of the trigrams of what was asked for, this share in one run of a name makes it alike: a word misspelt or cut short. */
const ALIKE = "0.4";

/**
 * The full names of repos that were perhaps meant by what nothing answers to, the most alike first. What the asker may not see is left
 * out before anything is counted, or its absence would tell of it.
 */
export async function nearestNames(actor: Actor, asked: string): Promise<string[]> {
  const name = asked.trim().toLowerCase().slice(0, MOST_LETTERS);
  const rows = await inLockedTransaction(database(), async (transaction) => {
    await transaction.$executeRaw`
      SELECT set_config('pg_trgm.word_similarity_threshold', ${ALIKE}, true), set_config('enable_seqscan', 'off', true)`;
    return transaction.$queryRaw<{ name: string }[]>`
      SELECT n.name || '/' || l.name AS name FROM (
        SELECT r.id, r.name, r.namespace_id, word_similarity(${name}, s.name) AS likeness
        FROM repo_search s JOIN repo r ON r.id = s.repo_id
        WHERE ${name} <% s.name AND r.deleted_at IS NULL AND r.has_commits AND ${isVisible(actor, "r")}
        LIMIT ${MOST_LIKE}) l
      JOIN namespace n ON n.id = l.namespace_id
      ORDER BY l.likeness DESC, l.id LIMIT ${SHOWN}`;
  });
  return rows.map((row) => row.name);
}
