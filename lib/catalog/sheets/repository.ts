import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

/** Columns that were not drawn make room to be drawn again. */
export async function forgetUndrawn(transaction: Transaction, pairId: string): Promise<void> {
  await transaction.preview.deleteMany({ where: { pairId, state: { in: ["failed", "cancelled"] } } });
}

export async function removeColumn(transaction: Transaction, id: string): Promise<void> {
  await transaction.preview.delete({ where: { id }, select: { id: true } });
}

/** «owner/repo» of some commits, where it is still there. */
export async function fullNames(transaction: Transaction, commitIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await transaction.commit.findMany({
    where: { id: { in: [...commitIds] }, repo: { deletedAt: null } },
    select: { id: true, repo: { select: { name: true, namespace: { select: { name: true } } } } },
  });
  return new Map(rows.map(({ id, repo }) => [id, `${repo.namespace.name}/${repo.name}`]));
}

/** How much is recovered, of a pair that goes by `p`. */
const recovered = Prisma.sql`(p.summary #>> '{measured,fidelity,recovered,value}')::float8`;

/** Best evidence first: the verdict, then how much is recovered. */
const byEvidence = Prisma.sql`array_position(ARRAY['verified', 'usable_with_limits', 'not_measured', 'incompatible'], p.verdict::text), ${recovered} DESC NULLS LAST, p.id`;

/** The weights that a repo has today. Asked row by row, for there may be many repos and few are meant. */
const weightsOf = (repoId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(SELECT weights_sha256 FROM repo_head WHERE repo_id = ${repoId})`;

export interface CardRow {
  readonly repoId: string;
  readonly previewId: string;
  readonly blobSha256: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  readonly seed: string;
  readonly finetune: string;
}

/**
 * Pictures with a guide for the cards of some repos: of a model the first columns of its best pair, of a guide the first column of the
 * best pair of each fine-tune; of the weights that they have today, and of those that the other side has today where there are such.
 * One statement for a page of cards.
 */
export function cardRows(actor: Actor, repoIds: readonly string[], count: number): Promise<CardRow[]> {
  return database().$queryRaw<CardRow[]>`
    WITH asked AS (
      SELECT r.id, ${canInSql("r", "guides")} AS guides, h.weights_sha256 FROM repo r JOIN repo_head h ON h.repo_id = r.id
      WHERE r.id = ANY (${[...repoIds]}::uuid[]) AND h.weights_sha256 IS NOT NULL AND ${isVisible(actor, "r")}),
    sides AS (
      SELECT a.id AS repo_id, a.guides, p.id AS pair_id FROM asked a JOIN pair p ON NOT a.guides AND p.unit_hash = a.weights_sha256 AND p.state = 'succeeded'
      UNION ALL
      SELECT a.id, a.guides, p.id FROM asked a JOIN pair p ON a.guides AND p.guide_weights_sha256 = a.weights_sha256 AND p.state = 'succeeded'),
    placed AS (
      SELECT s.repo_id, s.guides, s.pair_id, fc.repo_id AS finetune_id,
        row_number() OVER (PARTITION BY s.repo_id ORDER BY CASE WHEN s.guides THEN p.unit_hash = ${weightsOf(Prisma.sql`fc.repo_id`)} ELSE p.guide_weights_sha256 = ${weightsOf(Prisma.sql`gc.repo_id`)} END IS TRUE DESC, ${byEvidence}) AS place
      FROM sides s JOIN pair p ON p.id = s.pair_id
      JOIN preview v ON v.pair_id = p.id AND v.sheet_index = 0 AND v.state = 'succeeded' AND ${maySeePreview(actor, "v")}
      JOIN commit fc ON fc.id = v.finetune_commit_id JOIN commit gc ON gc.id = v.guide_commit_id),
    best AS (SELECT DISTINCT ON (repo_id, finetune_id) * FROM placed ORDER BY repo_id, finetune_id, place),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY repo_id ORDER BY place) AS rank FROM best)
    SELECT k.repo_id AS "repoId", v.id AS "previewId", i.blob_sha256 AS "blobSha256", i.width, i.height, i.seed::text AS seed, v.recipe #>> '{asked,prompt}' AS prompt, n.name || '/' || f.name AS finetune
    FROM ranked k
    JOIN preview v ON v.pair_id = k.pair_id AND v.state = 'succeeded' AND CASE WHEN k.guides THEN v.sheet_index = 0 ELSE v.sheet_index < ${count} END AND ${maySeePreview(actor, "v")}
    JOIN preview_image i ON i.preview_id = v.id AND i.mode = 'guide' AND i.attempt = v.attempt
    JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id JOIN namespace n ON n.id = f.namespace_id
    WHERE k.rank <= CASE WHEN k.guides THEN ${count} ELSE 1 END
    ORDER BY k.repo_id, k.rank, v.sheet_index`;
}

/**
 * The verified pairs of what both repos are today that have a whole sheet: fine-tunes before bases, then those that recover most, then
 * by name. They are put in order first, for what is asked of each then is asked of the first few only.
 */
export function showcasePairs(actor: Actor, limit: number): Promise<{ id: string }[]> {
  return database().$queryRaw<{ id: string }[]>`
    SELECT o.id FROM (
      SELECT p.id, p.unit_hash, p.guide_weights_sha256, fc.repo_id AS finetune_id, gc.repo_id AS guide_id,
        NOT ${canInSql("f", "isBase")} AS is_finetune, ${recovered} AS recovered, fn.name || '/' || f.name AS finetune, gn.name || '/' || g.name AS guide
      FROM pair p
      JOIN preview v ON v.pair_id = p.id AND v.sheet_index = 0 AND ${maySeePreview(actor, "v")}
      JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id JOIN namespace fn ON fn.id = f.namespace_id
      JOIN commit gc ON gc.id = v.guide_commit_id JOIN repo g ON g.id = gc.repo_id JOIN namespace gn ON gn.id = g.namespace_id
      WHERE p.state = 'succeeded' AND p.verdict = 'verified'
      ORDER BY is_finetune DESC, recovered DESC NULLS LAST, finetune, guide, p.id OFFSET 0) o
    WHERE (SELECT bool_and(w.state = 'succeeded') FROM preview w WHERE w.pair_id = o.id)
      AND o.unit_hash = ${weightsOf(Prisma.sql`o.finetune_id`)} AND o.guide_weights_sha256 = ${weightsOf(Prisma.sql`o.guide_id`)}
    ORDER BY o.is_finetune DESC, o.recovered DESC NULLS LAST, o.finetune, o.guide, o.id LIMIT ${limit}`;
}
