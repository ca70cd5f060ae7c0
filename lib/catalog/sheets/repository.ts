import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { type PreviewRow, seenBy, selectPreviews } from "#lib/catalog/previews/repository.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/** The columns of a pair's sheet that somebody may see, in their order. */
export const sheetRows = (actor: Actor, pairId: string): Promise<PreviewRow[]> => selectPreviews({ AND: [{ pairId }, seenBy(actor)] }, { sheetIndex: "asc" });

/** Columns that were not drawn make room to be drawn again. */
export async function forgetUndrawn(transaction: Transaction, pairId: string): Promise<void> {
  await transaction.preview.deleteMany({ where: { pairId, state: { in: ["failed", "cancelled"] } } });
}

export async function removeColumn(transaction: Transaction, id: string): Promise<void> {
  await transaction.preview.delete({ where: { id }, select: { id: true } });
}

/** «owner/repo» of some commits. */
export async function fullNames(transaction: Transaction, commitIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await transaction.commit.findMany({ where: { id: { in: [...commitIds] } }, select: { id: true, repo: { select: { name: true, namespace: { select: { name: true } } } } } });
  return new Map(rows.map(({ id, repo }) => [id, `${repo.namespace.name}/${repo.name}`]));
}

/** Best evidence first: the verdict, then how much is recovered. The pair goes by `p`. */
const byEvidence = Prisma.sql`array_position(ARRAY['verified', 'usable_with_limits', 'not_measured', 'incompatible'], p.verdict::text),
  (p.summary #>> '{measured,fidelity,recovered,value}')::float8 DESC NULLS LAST, p.id`;

export interface CardRow {
  readonly repoId: string;
  readonly previewId: string;
  readonly blobSha256: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  readonly seed: bigint;
  readonly finetune: string;
}

/**
 * Pictures with a guide for the cards of some repos: of a model the first columns of its best pair, of a guide the first column of its
 * best pairs; of the weights that they have today, where the other side may be seen. One statement for a page of cards.
 */
export function cardRows(actor: Actor, repoIds: readonly string[], count: number): Promise<CardRow[]> {
  return database().$queryRaw<CardRow[]>`
    WITH asked AS (SELECT r.id, r.kind, h.weights_sha256 FROM repo r JOIN repo_head h ON h.repo_id = r.id WHERE r.id = ANY (${[...repoIds]}::uuid[]) AND h.weights_sha256 IS NOT NULL),
    sides AS (
      SELECT a.id AS repo_id, a.kind, p.id AS pair_id FROM asked a JOIN pair p ON a.kind <> 'guide' AND p.finetune_weights_sha256 = a.weights_sha256 AND p.state = 'succeeded'
      UNION ALL
      SELECT a.id, a.kind, p.id FROM asked a JOIN pair p ON a.kind = 'guide' AND p.guide_weights_sha256 = a.weights_sha256 AND p.state = 'succeeded'),
    ranked AS (
      SELECT s.repo_id, s.kind, s.pair_id, row_number() OVER (PARTITION BY s.repo_id ORDER BY ${byEvidence}) AS rank
      FROM sides s JOIN pair p ON p.id = s.pair_id
      JOIN preview v ON v.pair_id = p.id AND v.sheet_index = 0 AND v.state = 'succeeded'
      JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id AND ${isVisible(actor, "f")}
      JOIN commit gc ON gc.id = v.guide_commit_id JOIN repo g ON g.id = gc.repo_id AND ${isVisible(actor, "g")})
    SELECT k.repo_id AS "repoId", v.id AS "previewId", i.blob_sha256 AS "blobSha256", i.width, i.height, i.seed, v.recipe #>> '{asked,prompt}' AS prompt, n.name || '/' || f.name AS finetune
    FROM ranked k
    JOIN preview v ON v.pair_id = k.pair_id AND v.state = 'succeeded' AND CASE k.kind WHEN 'guide' THEN v.sheet_index = 0 ELSE v.sheet_index < ${count} END
    JOIN preview_image i ON i.preview_id = v.id AND i.mode = 'guide' AND i.attempt = v.attempt
    JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id JOIN namespace n ON n.id = f.namespace_id
    WHERE k.rank <= CASE k.kind WHEN 'guide' THEN ${count} ELSE 1 END
    ORDER BY k.repo_id, k.rank, v.sheet_index`;
}

/** The verified pairs of fine-tunes of today that have a whole sheet, the best first. */
export function showcasePairs(actor: Actor, limit: number): Promise<{ id: string }[]> {
  return database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p
    WHERE p.state = 'succeeded' AND p.verdict = 'verified'
      AND EXISTS (SELECT FROM preview v JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id AND f.kind = 'finetune' AND ${isVisible(actor, "f")}
        JOIN commit gc ON gc.id = v.guide_commit_id JOIN repo g ON g.id = gc.repo_id AND ${isVisible(actor, "g")}
        JOIN repo_head h ON h.repo_id = f.id AND h.weights_sha256 = p.finetune_weights_sha256 WHERE v.pair_id = p.id)
      AND NOT EXISTS (SELECT FROM preview v WHERE v.pair_id = p.id AND v.state <> 'succeeded')
    ORDER BY ${byEvidence} LIMIT ${limit}`;
}
