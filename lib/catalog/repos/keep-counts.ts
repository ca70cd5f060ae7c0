import { isVisible } from "#lib/auth/access.ts";
import { anonymous } from "#lib/auth/actor.ts";
import { mayKnowPair } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { toSqlFailure } from "#lib/db/sql-failure.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { countedAs, facetNames } from "./counted-as.ts";
import { MAX_COUNTED } from "./schema.ts";
import { bestVerdictOfAll } from "./selection.ts";

/** How old what is due may be for the counts to be believed; a worker is done with it in a few seconds. */
const MAX_LAG = "1 minute";

/** In one transaction of some seconds at most: repos, weights, and weights or repos that reach further, with so many pairs of all of these. */
const AT_ONCE = { repos: 1000, weights: 1000, reaching: 50, pairs: 2000 };
const atMost = (count: number): Prisma.Sql => Prisma.raw(`LIMIT ${count}`);

/** Whether the counts of public repos are those of the last minute, as a condition of SQL. */
export const countsAreKept = Prisma.sql`NOT EXISTS (SELECT FROM facet_due WHERE at < now() - ${Prisma.raw(`interval '${MAX_LAG}'`)})`;

/** So many repos are counted and looked through one by one; where there are more, counts that are kept are asked. */
export const isLargeHub = Prisma.sql`EXISTS (SELECT FROM repo WHERE deleted_at IS NULL AND visibility = 'public' AND has_commits OFFSET ${Prisma.raw(String(MAX_COUNTED))})`;

/**
 * Follows with the counts of public repos what has changed since, until nothing is left; how many repos were looked at. One process of
 * the hub does so at a time, and nobody waits for it: whoever commits only adds to what is due. Each piece is a transaction by itself,
 * which says what is left, so it goes on wherever it was stopped.
 */
export async function keepCounts(stopped?: AbortSignal): Promise<number> {
  const [{ isDue }] = await database().$queryRaw<
    [{ isDue: boolean }]
  >`SELECT EXISTS (SELECT FROM facet_due) AS "isDue"`;
  let sum = 0;
  for (let [isMore, share] = [isDue, 1]; isMore;) {
    if (stopped?.aborted) break;
    try {
      const { spread, counted } = await inLockedTransaction(database(), async (transaction) => {
        const spread = (await isFree(transaction)) ? await spreadDue(transaction) : null;
        return { spread, counted: spread === 0 ? await countDue(transaction, Math.ceil(AT_ONCE.repos * share)) : 0 };
      });
      sum += counted;
      isMore = (spread ?? 0) + counted > 0;
    } catch (cause) {
      // A piece that takes longer than a statement may is tried as a smaller one, or it would never be done.
      if (toSqlFailure(cause)?.code !== STATEMENT_TIMEOUT || share < LEAST_SHARE) throw cause;
      share /= 10;
    }
  }
  return sum;
}

const STATEMENT_TIMEOUT = "57014";
const LEAST_SHARE = 0.01;

/** Two at once would take a repo off twice. */
async function isFree(transaction: Transaction): Promise<boolean> {
  const [{ free }] = await transaction.$queryRaw<[{ free: boolean }]>`SELECT pg_try_advisory_xact_lock(4202) AS free`;
  return free;
}

/**
 * Of what is due by its weights, or reaches further, the repos themselves, as old as it was; how many of what was due it looked at. What may
 * be known of a pair depends on who has the weights of its parts, and of what judged it; and it is told where its weights are those of
 * today. What was measured with many is followed by the ids of its pairs: a piece of it is due as repos, and it stays due itself.
 */
async function spreadDue(transaction: Transaction): Promise<number> {
  const [{ count }] = await transaction.$queryRaw<[{ count: number }]>`
    WITH reaching AS MATERIALIZED (
      SELECT d.id, d.at, d.repo_id, d.weights_sha256, coalesce(d.after, ${FIRST}::uuid) AS after, ${AT_ONCE.pairs} / count(*) OVER () AS share,
        CASE WHEN d.repo_id IS NULL THEN ARRAY[d.weights_sha256] ELSE ARRAY(SELECT h.weights_sha256 FROM repo_weights h WHERE h.repo_id = d.repo_id) END AS weights
      FROM (SELECT * FROM facet_due WHERE reaches ORDER BY id ${atMost(AT_ONCE.reaching)}) d
    ), told AS MATERIALIZED (
      SELECT r.id AS due_id, r.at, p.* FROM reaching r CROSS JOIN LATERAL (
        SELECT p.id, p.unit_hash, p.guide_weights_sha256 FROM (
          ${pairsWith("guide_weights_sha256", Prisma.sql`SELECT unnest(r.weights)`)} UNION ${pairsWith("unit_hash", Prisma.sql`SELECT unnest(r.weights)`)}
          UNION ${pairsWith("unit_id", Prisma.sql`SELECT DISTINCT k.unit_id FROM unit_component k WHERE k.weights_sha256 = ANY (r.weights)`)}
          UNION ${pairsWith("judge_commit_id", Prisma.sql`SELECT c.id FROM commit c WHERE c.repo_id = r.repo_id`)}
        ) p ORDER BY p.id LIMIT r.share) p
    ), reached AS (
      SELECT due_id, count(*) AS pairs, (array_agg(id ORDER BY id DESC))[1] AS last FROM told GROUP BY due_id
    ), left_for_later AS (
      UPDATE facet_due d SET after = e.last FROM reaching r JOIN reached e ON e.due_id = r.id WHERE d.id = r.id AND e.pairs >= r.share
    ), taken AS (
      DELETE FROM facet_due d WHERE d.id IN (
        (SELECT id FROM facet_due WHERE repo_id IS NULL AND NOT reaches ORDER BY id ${atMost(AT_ONCE.weights)})
        UNION ALL (SELECT r.id FROM reaching r LEFT JOIN reached e ON e.due_id = r.id WHERE coalesce(e.pairs, 0) < r.share))
      RETURNING d.at, d.repo_id, d.weights_sha256, d.reaches
    ), weights AS (
      SELECT min(at) AS at, weights_sha256 FROM (
        SELECT at, weights_sha256 FROM taken WHERE weights_sha256 IS NOT NULL
        UNION ALL SELECT at, unnest(weights) FROM reaching WHERE after = ${FIRST}::uuid
        UNION ALL SELECT at, unit_hash FROM told UNION ALL SELECT at, guide_weights_sha256 FROM told) each GROUP BY weights_sha256
    ), due AS (
      SELECT at, repo_id FROM taken WHERE repo_id IS NOT NULL
      UNION ALL SELECT w.at, r.id FROM weights w JOIN repo r ON r.weights_sha256 = w.weights_sha256 AND r.deleted_at IS NULL
    ), added AS (
      INSERT INTO facet_due (at, repo_id) SELECT min(at), repo_id FROM due GROUP BY repo_id
    )
    SELECT ((SELECT count(*) FROM taken) + (SELECT count(*) FROM reaching r JOIN reached e ON e.due_id = r.id WHERE e.pairs >= r.share))::int AS count`;
  return count;
}

/**
 * The next of the pairs of what a row `r` reaches: of each name in their order, so that a piece of very many reads no more of an index than
 * it takes.
 */
const pairsWith = (
  column: "guide_weights_sha256" | "unit_hash" | "unit_id" | "judge_commit_id",
  names: Prisma.Sql,
): Prisma.Sql => {
  const name = Prisma.raw(column);
  return Prisma.sql`(SELECT p.* FROM (${names}) AS one(name) CROSS JOIN LATERAL (
    SELECT id, unit_hash, guide_weights_sha256 FROM pair WHERE ${name} = one.name AND id > r.after ORDER BY ${name}, id LIMIT r.share) p
    ORDER BY p.id LIMIT r.share)`;
};

/** Before every id. */
const FIRST = "00000000-0000-0000-0000-000000000000";

const FACETS = Prisma.raw(String(facetNames.length));

/**
 * Takes some repos off where they were counted and adds them where they are to be counted now: for each facet, under every choice of the
 * others that they answer to. In one statement, so what is due is gone if and only if it was counted, and none of it came after it was looked at.
 */
const countDue = async (transaction: Transaction, most: number): Promise<number> => {
  const [{ count }] = await transaction.$queryRaw<[{ count: number }]>`
    WITH due AS MATERIALIZED (
      DELETE FROM facet_due WHERE id IN (SELECT id FROM facet_due WHERE repo_id IS NOT NULL AND NOT reaches ORDER BY id ${atMost(most)})
      RETURNING repo_id
    ), one AS MATERIALIZED (
      SELECT DISTINCT repo_id AS id FROM due
    ), today AS MATERIALIZED (
      SELECT r.id, ${countedAs(bestVerdictOfAll(known))} AS "values" FROM one JOIN repo r ON r.id = one.id
      WHERE r.deleted_at IS NULL AND r.visibility = 'public' AND r.has_commits
    ), was AS (
      SELECT c.repo_id AS id, c."values" FROM one JOIN counted_repo c ON c.repo_id = one.id
    ), moved AS (
      SELECT "values", sum(by) AS by FROM (SELECT "values", 1 AS by FROM today UNION ALL SELECT "values", -1 FROM was) each GROUP BY 1 HAVING sum(by) <> 0
    ), choice AS (
      SELECT m."values", m.by, choice.of, ARRAY(SELECT CASE WHEN choice.of >> place & 1 = 1 THEN m."values"[place + 1] END FROM generate_series(0, ${FACETS} - 1) place ORDER BY place) AS chosen
      FROM moved m, generate_series(0, (1 << ${FACETS}) - 1) choice(of)
      WHERE NOT EXISTS (SELECT FROM generate_series(0, ${FACETS} - 1) place WHERE choice.of >> place & 1 = 1 AND m."values"[place + 1] IS NULL)
    ), change AS (
      SELECT place AS facet, facet_choice(c.chosen) AS chosen, c."values"[place + 1] AS value, sum(c.by)::int AS by
      FROM choice c, generate_series(0, ${FACETS} - 1) place
      WHERE c.of >> place & 1 = 0 AND c."values"[place + 1] IS NOT NULL GROUP BY 1, 2, 3 HAVING sum(c.by) <> 0
    ), stored AS (
      INSERT INTO facet_count (facet, chosen, value, count) SELECT facet, chosen, value, by FROM change
      ON CONFLICT (facet, chosen, value) DO UPDATE SET count = facet_count.count + excluded.count
    ), gone AS (
      DELETE FROM counted_repo c USING one WHERE c.repo_id = one.id AND NOT EXISTS (SELECT FROM today t WHERE t.id = one.id)
    ), kept AS (
      INSERT INTO counted_repo (repo_id, "values") SELECT id, "values" FROM today ON CONFLICT (repo_id) DO UPDATE SET "values" = excluded."values" WHERE counted_repo."values" IS DISTINCT FROM excluded."values")
    SELECT count(*)::int AS count FROM due`;
  await transaction.$executeRaw`DELETE FROM facet_count WHERE count = 0`;
  return count;
};

const known = { mayKnow: mayKnowPair(anonymous, "p"), otherVisible: isVisible(anonymous, "o") };
