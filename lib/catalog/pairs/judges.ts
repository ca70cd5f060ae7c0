import { keyOf } from "#lib/catalog/trees/key.ts";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { Judges } from "#lib/pairing/protocol.ts";
import { EVALUATOR } from "./schema.ts";

/** What a base brings to read pictures with, and the commit that has it: its newest one that runs. Nulls where there is none. */
export async function judgesOf(
  baseRepoId: string | null,
  client: Transaction = database(),
): Promise<Judges & { readonly commitId: string | null }> {
  const rows =
    baseRepoId === null
      ? []
      : await client.$queryRaw<{ commitId: string; sha256: string | null }[]>`
    WITH newest AS (
      SELECT c.id, c.repo_id, c.tree_id FROM repo r JOIN commit c ON c.repo_id = r.id JOIN inspection i ON i.commit_id = c.id AND i.contract IS NOT NULL
      LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.commit_id = c.id
      WHERE r.id = ${baseRepoId}::uuid AND r.deleted_at IS NULL ORDER BY f.name IS NOT NULL DESC, c.sequence DESC LIMIT 1)
    SELECT newest.id AS "commitId", f.blob_sha256 AS sha256
    FROM newest LEFT JOIN LATERAL file_at(newest.repo_id, newest.tree_id, ${keyOf(EVALUATOR)}) f ON f.path = ${EVALUATOR}`;
  return { commitId: rows[0]?.commitId ?? null, evaluatorSha256: rows[0]?.sha256 ?? null };
}
