import { isVisible } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { canInSql } from "#lib/catalog/kinds-in-sql.ts";
import { recovered, shortfall } from "#lib/catalog/pairs/evidence-order.ts";
import { maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { askedOfEach } from "#lib/db/asked-of-each.ts";
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

/** “owner/repo” of some commits, where it is still there. */
export async function fullNames(transaction: Transaction, commitIds: readonly string[]): Promise<Map<string, string>> {
  const rows = await transaction.commit.findMany({
    where: { id: { in: [...commitIds] }, repo: { deletedAt: null } },
    select: { id: true, repo: { select: { name: true, namespace: { select: { name: true } } } } },
  });
  return new Map(rows.map(({ id, repo }) => [id, `${repo.namespace.name}/${repo.name}`]));
}

/** The weights that the repo of a commit has today. */
const weightsAt = (commitId: Prisma.Sql): Prisma.Sql =>
  Prisma.sql`(SELECT wr.weights_sha256 FROM commit wc JOIN repo wr ON wr.id = wc.repo_id AND wr.deleted_at IS NULL WHERE wc.id = ${commitId})`;

export interface CardRow {
  readonly repoId: string;
  readonly pairId: string;
  readonly previewId: string;
  readonly blobSha256: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
  readonly seed: string;
  readonly finetune: string;
}

/** How often a fine-tune may stand among the best pairs of a guide, with other prompts or strengths, before another is missed. */
const AGAIN = 4;

/**
 * The first drawn pairs of a row `a` in the order of evidence, with what the other side is today or was before: from an index for each
 * side, and no more than are shown.
 */
function bestPairs(actor: Actor, guides: boolean, isCurrent: boolean, count: number): Prisma.Sql {
  const [mine, theirs, other] = guides
    ? [Prisma.sql`p.guide_weights_sha256`, Prisma.sql`p.unit_hash`, Prisma.sql`v.finetune_commit_id`]
    : [Prisma.sql`p.unit_hash`, Prisma.sql`p.guide_weights_sha256`, Prisma.sql`v.guide_commit_id`];
  const isDrawn = Prisma.sql`(SELECT TRUE FROM preview v WHERE v.pair_id = p.id AND v.sheet_index = 0 AND v.state = 'succeeded' AND ${maySeePreview(actor, "v")}
    AND (${theirs} = ${weightsAt(other)}) IS ${isCurrent ? Prisma.sql`TRUE` : Prisma.sql`NOT TRUE`} LIMIT 1)`;
  return Prisma.sql`
    (SELECT p.id AS pair_id, ${isCurrent} AS is_current, p.verdict, ${recovered} AS recovered FROM pair p
    WHERE a.guides = ${guides} AND ${mine} = a.weights_sha256 AND ${askedOfEach(Prisma.sql`p.measured_at IS NOT NULL AND ${isDrawn}`)}
    ORDER BY p.verdict, ${shortfall}, p.id LIMIT ${Prisma.raw(String(guides ? count * AGAIN : 1))})`;
}

/**
 * Pictures with a guide for the cards of some repos: of a model the first columns of its best pair, of a guide the first column of the
 * best pair of each fine-tune; of the weights that they have today, and of those that the other side has today where there are such.
 * One statement for a page of cards.
 */
export function cardRows(actor: Actor, repoIds: readonly string[], count: number): Promise<CardRow[]> {
  return database().$queryRaw<CardRow[]>`
    WITH asked AS (
      SELECT r.id, ${canInSql("r", "guides")} AS guides, r.weights_sha256 FROM repo r
      WHERE r.id = ANY (${[...repoIds]}::uuid[]) AND r.weights_sha256 IS NOT NULL AND ${isVisible(actor, "r")}),
    placed AS (
      SELECT a.id AS repo_id, a.guides, s.pair_id, fc.repo_id AS finetune_id, row_number() OVER (PARTITION BY a.id ORDER BY s.is_current DESC, s.verdict, s.recovered DESC NULLS LAST, s.pair_id) AS place
      FROM asked a CROSS JOIN LATERAL (${Prisma.join(
        [true, false].flatMap((guides) => [true, false].map((isCurrent) => bestPairs(actor, guides, isCurrent, count))),
        " UNION ALL ",
      )}) s JOIN preview v ON v.pair_id = s.pair_id AND v.sheet_index = 0 JOIN commit fc ON fc.id = v.finetune_commit_id),
    best AS (SELECT DISTINCT ON (repo_id, finetune_id) * FROM placed ORDER BY repo_id, finetune_id, place),
    ranked AS (SELECT *, row_number() OVER (PARTITION BY repo_id ORDER BY place) AS rank FROM best)
    SELECT k.repo_id AS "repoId", k.pair_id AS "pairId", v.id AS "previewId", i.blob_sha256 AS "blobSha256", i.width, i.height, i.seed::text AS seed, v.recipe #>> '{asked,prompt}' AS prompt, n.name || '/' || f.name AS finetune
    FROM ranked k
    JOIN preview v ON v.pair_id = k.pair_id AND v.state = 'succeeded' AND CASE WHEN k.guides THEN v.sheet_index = 0 ELSE v.sheet_index < ${count} END AND ${maySeePreview(actor, "v")}
    JOIN preview_image i ON i.preview_id = v.id AND i.mode = 'guide' AND i.attempt = v.attempt
    JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id JOIN namespace n ON n.id = f.namespace_id
    WHERE k.rank <= CASE WHEN k.guides THEN ${count} ELSE 1 END
    ORDER BY k.repo_id, k.rank, v.sheet_index`;
}

/**
 * Pairs of what both repos are today that have a whole sheet: verified ones, then those usable with limits, since a hub that has just
 * begun is not certain of more; of fine-tunes before those of bases; then those that recover most. They are walked in that order until
 * there are enough.
 */
export async function showcasePairs(actor: Actor, limit: number): Promise<{ id: string }[]> {
  const found: { id: string }[] = [];
  for (const verdict of ["verified", "usable_with_limits"])
    for (const isBase of [Prisma.sql`NOT ${canInSql("f", "isBase")}`, canInSql("f", "isBase")]) {
      if (found.length < limit) found.push(...(await shownPairs(actor, verdict, isBase, limit - found.length)));
    }
  return found;
}

const shownPairs = (actor: Actor, verdict: string, isBase: Prisma.Sql, count: number): Promise<{ id: string }[]> =>
  database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p
    WHERE p.verdict = ${Prisma.raw(`'${verdict}'`)} AND ${askedOfEach(Prisma.sql`(
      SELECT TRUE FROM preview v JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
      WHERE v.pair_id = p.id AND v.sheet_index = 0 AND ${isBase}
        AND p.unit_hash = f.weights_sha256 AND p.guide_weights_sha256 = ${weightsAt(Prisma.sql`v.guide_commit_id`)} AND ${maySeePreview(actor, "v")} LIMIT 1)
      AND (SELECT TRUE FROM preview w WHERE w.pair_id = p.id AND w.state <> 'succeeded' LIMIT 1) IS NULL`)}
    ORDER BY ${recovered} DESC NULLS LAST, p.id LIMIT ${Prisma.raw(String(count))}`;
