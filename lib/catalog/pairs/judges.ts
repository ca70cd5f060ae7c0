import { evaluatorsFor, type JudgingEvaluator } from "#lib/catalog/evaluators/repository.ts";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/** What a model is judged by that was made from a base. */
export interface PairJudges {
  /** The newest commit of the base that runs, which lineage is measured against; null where there is none. */
  readonly commitId: string | null;
  /** Chosen by the operators: what lies in the base decides nothing of this. */
  readonly evaluators: readonly JudgingEvaluator[];
}

export async function judgesOf(baseRepoId: string | null, client: Transaction = database()): Promise<PairJudges> {
  const evaluators = await evaluatorsFor(baseRepoId, client);
  const [newest] =
    baseRepoId === null
      ? []
      : await client.$queryRaw<{ commitId: string }[]>`
    SELECT c.id AS "commitId" FROM repo r JOIN commit c ON c.repo_id = r.id JOIN inspection i ON i.commit_id = c.id AND i.contract IS NOT NULL
    LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.commit_id = c.id
    WHERE r.id = ${baseRepoId}::uuid AND r.deleted_at IS NULL ORDER BY f.name IS NOT NULL DESC, c.sequence DESC LIMIT 1`;
  return { commitId: newest?.commitId ?? null, evaluators };
}
