import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { mayKnowPair } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { Prisma, type Verdict } from "#lib/db/generated/client.ts";
import { NO_SHORTFALL, shortfall } from "./evidence-order.ts";
import { verdictInDatabase, verdictOf } from "#lib/catalog/verdict.ts";

/** A place among what was measured of one side: behind a repo that has what is on the other side of a pair. */
export interface EvidencePlace {
  /** What of this side it was measured under. */
  readonly key: string;
  readonly verdict: Verdict;
  readonly shortfall: number;
  readonly pairId: string;
  readonly repoId: string;
}

/** A repo with the other side of a pair. */
export interface EvidenceRow extends EvidencePlace {
  /** What of the other side it was measured under. */
  readonly theirs: string;
  /** Whether both pair and repo may be known. */
  readonly isShown: boolean;
}

export interface Span {
  readonly from: Verdict;
  readonly to: Verdict;
  /** Of those that wait to be measured, or were in vain, either. */
  readonly hasEnded?: boolean;
}

const NOBODY = "00000000-0000-0000-0000-000000000000"; // before every id
const EVERYBODY = "ffffffff-ffff-ffff-ffff-ffffffffffff";

/**
 * The next `most` repos with the other side of what was measured under `keys` of one side, key by key, in the order of evidence. What may
 * not be known is walked past, but never more than these; a pair whose other side no repo has any more counts as one.
 */
export async function lookAtEvidence(
  actor: Actor,
  side: "unit" | "guide",
  keys: readonly string[],
  { from, to, hasEnded }: Span,
  after: EvidencePlace | null,
  most: number,
): Promise<EvidenceRow[]> {
  const count = Prisma.raw(String(most)); // a number that is not known yet is guessed to be a tenth of the table
  const unit = Prisma.sql`p.unit_hash`;
  const guide = Prisma.sql`p.guide_weights_sha256`;
  const [mine, theirs] = side === "unit" ? [unit, guide] : [guide, unit];
  const begins = keys.map((key) =>
    after?.key === key ? after : { verdict: from, shortfall: NO_SHORTFALL, pairId: NOBODY, repoId: NOBODY },
  );
  const isWanted =
    hasEnded === undefined
      ? Prisma.sql`TRUE`
      : Prisma.sql`(p.state IN ('failed', 'cancelled')) = ${Prisma.raw(String(hasEnded))}`;
  const order = Prisma.sql`p.verdict, p.shortfall, p.id`;
  const rows = await database().$queryRaw<(Omit<EvidenceRow, "verdict"> & { verdict: string })[]>`
    SELECT p.key, p.verdict::text AS verdict, p.shortfall, p.id AS "pairId", p.repo_id AS "repoId", p.theirs,
      ${isWanted} AND coalesce(${isVisible(actor, "r")}, FALSE) AND ${mayKnowPair(actor, "p")} AS "isShown"
    FROM (
      SELECT k.place, k.key, p.*, coalesce(h.repo_id, ${EVERYBODY}::uuid) AS repo_id
      FROM unnest(${[...keys]}::text[], ${begins.map(({ verdict }) => verdictInDatabase(verdict))}::verdict[], ${begins.map((begin) => begin.shortfall)}::float8[],
        ${begins.map(({ pairId }) => pairId)}::uuid[], ${begins.map(({ repoId }) => repoId)}::uuid[]) WITH ORDINALITY k(key, verdict, shortfall, pair_id, repo_id, place)
      CROSS JOIN LATERAL (
        SELECT p.id, p.verdict, ${shortfall} AS shortfall, p.state, p.unit_id, p.guide_weights_sha256, p.judge_commit_id, ${theirs} AS theirs
        FROM pair p WHERE ${mine} = k.key AND (p.verdict, ${shortfall}, p.id) >= (k.verdict, k.shortfall, k.pair_id) AND p.verdict <= ${verdictInDatabase(to)}::verdict
        ORDER BY p.verdict, ${shortfall}, p.id LIMIT ${count}) p
      LEFT JOIN LATERAL (
        SELECT DISTINCT h.repo_id FROM repo_weights h WHERE h.measured_as = p.theirs AND h.repo_id > CASE WHEN p.id = k.pair_id THEN k.repo_id ELSE ${NOBODY}::uuid END
        ORDER BY h.repo_id LIMIT ${count}) h ON true
      ORDER BY k.place, ${order}, h.repo_id LIMIT ${count}) p
    LEFT JOIN repo r ON r.id = p.repo_id
    ORDER BY p.place, ${order}, p.repo_id`;
  return rows.map((row) => ({ ...row, verdict: verdictOf(row.verdict) }));
}
