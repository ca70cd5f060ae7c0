import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { Role, Unit } from "./unit.ts";

/** Does nothing where there is this very unit already. */
export async function insertUnit(transaction: Transaction, { id, hash, components }: Unit): Promise<void> {
  const { count } = await transaction.unit.createMany({ data: { id, hash }, skipDuplicates: true });
  if (count === 1)
    await transaction.unitComponent.createMany({
      data: components.map((component, position) => ({ ...component, unitId: id, position })),
    });
}

/** What a commit draws with, as it was read last. */
export interface Parts {
  /** Over its own files. */
  readonly weightsSha256: string;
  readonly isLowRank: boolean;
  /** Of a low-rank fine-tune what it runs on; null where that is gone. */
  readonly base: { readonly commitId: string; readonly weightsSha256: string } | null;
}

/** By commit; without those that have no weights. */
export async function partsOf(
  commitIds: readonly string[],
  client: Transaction = database(),
): Promise<Map<string, Parts>> {
  const rows = await client.$queryRaw<
    { commitId: string; own: string; isLowRank: boolean; baseCommitId: string | null; baseOwn: string | null }[]
  >`
    SELECT DISTINCT ON (i.commit_id) i.commit_id AS "commitId", i.own_weights_sha256 AS own, coalesce(i.facts->>'kind' = 'low-rank fine-tune', FALSE) AS "isLowRank",
      i.base_commit_id AS "baseCommitId", b.own_weights_sha256 AS "baseOwn"
    FROM inspection i LEFT JOIN inspection b ON b.commit_id = i.base_commit_id AND b.own_weights_sha256 IS NOT NULL
    WHERE i.commit_id = ANY (${[...new Set(commitIds)]}) AND i.own_weights_sha256 IS NOT NULL
    ORDER BY i.commit_id, i.created_at DESC, b.created_at DESC`;
  return new Map(
    rows.map(({ commitId, own, isLowRank, baseCommitId, baseOwn }) => [
      commitId,
      {
        weightsSha256: own,
        isLowRank,
        base:
          isLowRank && baseCommitId !== null && baseOwn !== null
            ? { commitId: baseCommitId, weightsSha256: baseOwn }
            : null,
      },
    ]),
  );
}

export interface ComponentRow {
  readonly role: Role;
  /** Null where the commit is gone. */
  readonly commitId: string | null;
  readonly weightsSha256: string;
  readonly strength: number;
  readonly textStrength: number;
}

/** The components of some units in their order, by the id of the unit. */
export async function componentsOf(
  unitIds: readonly string[],
  client: Transaction = database(),
): Promise<Map<string, ComponentRow[]>> {
  const rows = await client.unitComponent.findMany({
    where: { unitId: { in: [...new Set(unitIds)] } },
    orderBy: [{ unitId: "asc" }, { position: "asc" }],
  });
  const units = Map.groupBy(rows, ({ unitId }) => unitId);
  return new Map(
    [...units].map(([id, all]) => [
      id,
      all.map(({ role, commitId, weightsSha256, strength, textStrength }) => ({
        role: role as Role,
        commitId,
        weightsSha256,
        strength,
        textStrength,
      })),
    ]),
  );
}

/** A repo that has, or had, some weights. */
export interface Holder {
  readonly weightsSha256: string;
  readonly repoId: string;
  readonly repo: string;
  /** Its newest commit with them. */
  readonly commit: string;
  /** How many repos that may be seen have the same. */
  readonly copies: number;
}

/** Of all repos that somebody may see with some weights the first one that had them: it is credited with what was measured of them. */
export async function firstHolders(actor: Actor, weights: readonly string[]): Promise<Map<string, Holder>> {
  if (weights.length === 0) return new Map();
  const rows = await database().$queryRaw<Holder[]>`
    WITH seen AS (
      SELECT h.weights_sha256, h.repo_id, min(h.first_at) AS first_at FROM repo_weights h JOIN repo r ON r.id = h.repo_id
      WHERE h.weights_sha256 = ANY (${[...new Set(weights)]}) AND ${isVisible(actor, "r")} GROUP BY 1, 2
    ), first AS (
      SELECT DISTINCT ON (weights_sha256) *, (count(*) OVER (PARTITION BY weights_sha256))::int AS copies FROM seen ORDER BY weights_sha256, first_at, repo_id)
    SELECT f.weights_sha256 AS "weightsSha256", r.id AS "repoId", n.name || '/' || r.name AS repo, c.id AS commit, f.copies
    FROM first f JOIN repo r ON r.id = f.repo_id JOIN namespace n ON n.id = r.namespace_id
    JOIN LATERAL (
      SELECT c.id FROM commit c JOIN inspection i ON i.commit_id = c.id WHERE c.repo_id = r.id AND coalesce(i.own_weights_sha256, i.weights_sha256) = f.weights_sha256
      ORDER BY c.sequence DESC LIMIT 1) c ON true`;
  return new Map(rows.map((row) => [row.weightsSha256, row]));
}
