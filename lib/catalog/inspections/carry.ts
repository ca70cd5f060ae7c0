import type { Transaction } from "#lib/db/transaction.ts";
import { newInspectionId } from "./repository.ts";
import { INSPECTOR_VERSION } from "./schema.ts";

/** Files that no reading looks at: cards, licences, pictures and films. What a commit is does not change with them. */
export const saysNothing = (path: string): boolean =>
  /\.(?:md|png|jpe?g|webp|gif|avif|svg|mp4|webm)$/i.test(path) ||
  /^(?:licen[cs]e[^/]*|\.gitattributes|\.gitignore)$/i.test(path);

/**
 * What was found out of a commit holds for one that came of it, where they differ only in files that say nothing: no job is needed.
 * @returns false where nothing is known of the first yet, by this version of the reader; then the second is to be read itself
 */
export async function carryInspection(transaction: Transaction, from: string, to: string): Promise<boolean> {
  const carried = await transaction.$executeRaw`
    INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, weights_sha256, base_commit_id, finished_at)
    SELECT ${newInspectionId()}::uuid, ${to}, tool_version, 'succeeded', facts, contract, weights_sha256, base_commit_id, finished_at
    FROM inspection WHERE commit_id = ${from} AND tool_version = ${INSPECTOR_VERSION} AND state = 'succeeded'
    ON CONFLICT (commit_id, tool_version) DO NOTHING`;
  return carried === 1;
}
