import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type Visibility } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/** An evaluator at the commit that the operators chose. */
export interface JudgingEvaluator {
  readonly commitId: string;
  readonly sha256: string;
  readonly kind: "attributes" | "clip";
}

/**
 * What judges models that were made from a base: installed, there, and open to everybody, since nobody could check the word of one that
 * they may not read. In an order that does not change while the list does not.
 */
export const evaluatorsFor = (
  baseRepoId: string | null,
  client: Transaction = database(),
): Promise<JudgingEvaluator[]> => client.$queryRaw<JudgingEvaluator[]>`
  SELECT e.commit_id AS "commitId", e.sha256, e.kind FROM installed_evaluator e JOIN commit c ON c.id = e.commit_id JOIN repo r ON r.id = c.repo_id
  WHERE e.removed_at IS NULL AND r.deleted_at IS NULL AND r.visibility = 'public'
    AND (cardinality(e.bases) = 0 OR ${baseRepoId}::uuid = ANY (e.bases))
  ORDER BY e.sha256`;

export interface InstalledRow extends JudgingEvaluator {
  readonly id: string;
  /** Null where the repo is gone, or the asker may not see it. */
  readonly repo: string | null;
  /** Null where the repo is gone. */
  readonly visibility: Visibility | null;
  readonly bases: readonly string[];
  readonly judgesAnything: boolean;
  readonly installedAt: Date;
}

export const installedRows = (actor: Actor): Promise<InstalledRow[]> => database().$queryRaw<InstalledRow[]>`
  SELECT e.id, e.commit_id AS "commitId", e.sha256, e.kind, e.installed_at AS "installedAt",
    CASE WHEN ${isVisible(actor, "r")} THEN n.name || '/' || r.name END AS repo, r.visibility::text AS visibility,
    cardinality(e.bases) = 0 AS "judgesAnything",
    ARRAY(SELECT bn.name || '/' || b.name FROM repo b JOIN namespace bn ON bn.id = b.namespace_id
      WHERE b.id = ANY (e.bases) AND ${isVisible(actor, "b")} ORDER BY 1) AS bases
  FROM installed_evaluator e LEFT JOIN commit c ON c.id = e.commit_id LEFT JOIN repo r ON r.id = c.repo_id AND r.deleted_at IS NULL
  LEFT JOIN namespace n ON n.id = r.namespace_id
  WHERE e.removed_at IS NULL ORDER BY e.installed_at, e.id`;

/** Whoever changes the list waits for whoever else does. @returns how many are installed, those with these bytes left out */
export async function lockInstalled(transaction: Transaction, sha256: string): Promise<number> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtext('installed_evaluator'))`;
  return transaction.installedEvaluator.count({ where: { removedAt: null, NOT: { sha256 } } });
}

export const insertInstalled = (
  transaction: Transaction,
  data: Prisma.InstalledEvaluatorCreateManyInput,
): Promise<{ id: string }> => transaction.installedEvaluator.create({ data, select: { id: true } });

/** @returns whether there was one */
export async function markRemoved(
  transaction: Transaction,
  where: { readonly id: string } | { readonly sha256: string },
): Promise<boolean> {
  const { count } = await transaction.installedEvaluator.updateMany({
    where: { ...where, removedAt: null },
    data: { removedAt: new Date() },
  });
  return count > 0;
}

/** The repo of a commit where everybody may read it. */
export async function openToAll(commitId: string): Promise<{ readonly name: string } | null> {
  const row = await database().commit.findFirst({
    where: { id: commitId, repo: { deletedAt: null, visibility: "public" } },
    select: { repo: { select: { name: true } } },
  });
  return row?.repo ?? null;
}

/** At which commit an evaluator was installed, by its bytes, if it ever was: where evidence says no more than those. */
export async function commitsByBytes(sha256s: readonly string[]): Promise<Map<string, string>> {
  const rows = await database().installedEvaluator.findMany({
    where: { sha256: { in: [...sha256s] } },
    orderBy: { installedAt: "desc" },
    select: { sha256: true, commitId: true },
  });
  return new Map(rows.map((row) => [row.sha256, row.commitId]));
}

/** What the repos of some commits are called, by the commit, where somebody may see them. */
export async function namesOfCommits(actor: Actor, ids: readonly string[]): Promise<Map<string, string>> {
  const rows = await database().$queryRaw<{ id: string; name: string }[]>`
    SELECT c.id, n.name || '/' || r.name AS name FROM commit c JOIN repo r ON r.id = c.repo_id JOIN namespace n ON n.id = r.namespace_id
    WHERE c.id = ANY (${[...ids]}) AND ${isVisible(actor, "r")}`;
  return new Map(rows.map(({ id, name }) => [id, name]));
}
