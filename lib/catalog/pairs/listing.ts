import type { Actor } from "#lib/auth/actor.ts";
import { mayKnowPair } from "#lib/catalog/units/who-may-see.ts";
import { verdictInDatabase } from "#lib/catalog/verdict.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type Verdict } from "#lib/db/generated/client.ts";
import type { Looked } from "#lib/page.ts";

export interface PairSelection {
  /** Only pairs whose unit goes by this repo. */
  readonly finetuneRepoId?: string | undefined;
  readonly guideRepoId?: string | undefined;
  readonly verdict?: Verdict | undefined;
  /** Only what comes after this place, newest first. */
  readonly after: readonly [createdAt: Date, id: string] | null;
}

/**
 * The next `most` pairs of a selection, newest first. Indexes have this order for each side and each verdict; what may not be known, or is
 * of another verdict where a repo is chosen, is walked past, but never more than these.
 */
export function lookAtPairs(
  actor: Actor,
  { finetuneRepoId, guideRepoId, verdict, after }: PairSelection,
  most: number,
): Promise<Looked[]> {
  const count = Prisma.raw(String(most)); // a number that is not known yet is guessed to be a tenth of the table
  const wanted = verdict && Prisma.sql`p.verdict = ${verdictInDatabase(verdict)}::verdict`;
  const isOfRepo = finetuneRepoId !== undefined || guideRepoId !== undefined;
  const sides = [
    ...(finetuneRepoId === undefined ? [] : [ofRepo("finetune_weights_sha256", finetuneRepoId)]),
    ...(guideRepoId === undefined ? [] : [ofRepo("guide_weights_sha256", guideRepoId)]),
  ];
  const conditions = [
    ...sides.map(({ condition }) => condition),
    ...(isOfRepo || !wanted ? [] : [wanted]),
    ...(after === null ? [] : [Prisma.sql`(p.created_at, p.id) < (${after[0]}, ${after[1]}::uuid)`]),
  ];
  const from = Prisma.join([...sides.map(({ weights }) => weights), Prisma.sql`(SELECT) one`], " CROSS JOIN ");
  return database().$queryRaw<Looked[]>`
    WITH looked AS MATERIALIZED (
      SELECT p.* FROM ${from} CROSS JOIN LATERAL (
        SELECT p.id, p.created_at, p.verdict, p.unit_id, p.guide_weights_sha256, p.judge_commit_id
        FROM pair p WHERE ${conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join(conditions, " AND ")} ORDER BY p.created_at DESC, p.id DESC LIMIT ${count}) p
      ORDER BY p.created_at DESC, p.id DESC LIMIT ${count}
    ), shown AS (
      SELECT p.id FROM looked p WHERE ${(isOfRepo && wanted) || Prisma.sql`TRUE`} AND ${mayKnowPair(actor, "p")})
    SELECT p.id, p.created_at AS "createdAt", shown.id IS NOT NULL AS "isShown" FROM looked p LEFT JOIN shown ON shown.id = p.id
    ORDER BY p.created_at DESC, p.id DESC`;
}

/** The weights that a repo ever had, as rows, and that a pair has them. */
function ofRepo(column: string, repoId: string): { readonly weights: Prisma.Sql; readonly condition: Prisma.Sql } {
  const name = Prisma.raw(`of_${column}`);
  return {
    weights: Prisma.sql`(SELECT DISTINCT weights_sha256 FROM repo_weights WHERE repo_id = ${repoId}::uuid) ${name}`,
    condition: Prisma.sql`p.${Prisma.raw(column)} = ${name}.weights_sha256`,
  };
}
