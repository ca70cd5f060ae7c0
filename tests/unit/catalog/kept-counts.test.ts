import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { anonymous, hub as theHub } from "#lib/auth/actor.ts";
import { keepCounts } from "#lib/catalog/repos/keep-counts.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { deleteRepo, listRepos, updateRepo } from "#lib/catalog/repos/service.ts";
import { manyRepos } from "../../support/many-repos.ts";
import { recordQueries } from "../../support/recorded-queries.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const COUNT = 300;
const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });

beforeAll(async () => {
  await client.connect();
  await client.query(manyRepos(COUNT, { guidesEach: 3, isSkewed: true }));
  await keepCounts();
});
afterAll(async () => {
  await client.end();
  await hub.close();
});

const rows = async (): Promise<string[]> =>
  (
    await client.query<{ row: string }>(
      `SELECT concat_ws(' ', facet, chosen, value, count) AS row FROM facet_count UNION ALL SELECT concat_ws(' ', repo_id, array_to_json("values")) FROM counted_repo`,
    )
  ).rows
    .map(({ row }) => row)
    .toSorted();

/** What is counted of a hub of which nothing has been counted yet. */
async function countedFromNothing(): Promise<string[]> {
  await client.query(
    "TRUNCATE facet_count, counted_repo; INSERT INTO facet_due (at, repo_id) SELECT '-infinity', id FROM repo",
  );
  await keepCounts();
  return rows();
}

/** Of how many public repos a verdict is known to everybody. */
const measured = async (): Promise<number> =>
  (
    await client.query<{ count: number }>(
      `SELECT count(*)::int AS count FROM counted_repo WHERE "values"[5] <> 'not_measured'`,
    )
  ).rows[0]!.count;

const GUIDES = "SELECT weights_sha256 FROM repo WHERE name = 'guide-11'";

describe("counts follow whatever they depend on, and are then what counting from nothing gives", () => {
  test.each<readonly [what: string, change: string]>([
    ["a repo becomes private", "UPDATE repo SET visibility = 'private' WHERE name = 'finetune-2'"],
    ["and public again", "UPDATE repo SET visibility = 'public' WHERE name = 'finetune-2'"],
    [
      "a guide becomes private, and what was measured with it",
      "UPDATE repo SET visibility = 'private' WHERE name = 'guide-1'",
    ],
    ["and public again", "UPDATE repo SET visibility = 'public' WHERE name = 'guide-1'"],
    ["repos are hidden", "UPDATE repo SET deleted_at = now() WHERE name IN ('guide-11', 'finetune-6', 'base-0')"],
    ["and come back", "UPDATE repo SET deleted_at = NULL WHERE name IN ('guide-11', 'finetune-6', 'base-0')"],
    [
      "licences change",
      "UPDATE repo SET license = CASE WHEN license IS NULL THEN 'mit' WHEN license <> 'mit' THEN 'one of its own' END WHERE name LIKE '%7'",
    ],
    [
      "another base",
      "UPDATE repo SET base_id = (SELECT id FROM repo WHERE name = 'base-100') WHERE name IN ('finetune-4', 'guide-1')",
    ],
    ["another size", "UPDATE repo SET head_size = 20000000000 WHERE name LIKE 'finetune-1%'"],
    ["a first commit", "UPDATE repo SET has_commits = NOT has_commits WHERE name LIKE 'finetune-2%'"],
    ["verdicts get better", "UPDATE pair SET verdict = 'verified' WHERE verdict = 'incompatible'"],
    ["and worse", `UPDATE pair SET verdict = 'inconclusive' WHERE guide_weights_sha256 IN (${GUIDES})`],
    ["a measurement goes", `DELETE FROM pair WHERE guide_weights_sha256 IN (${GUIDES})`],
    ["other weights", "UPDATE repo SET weights_sha256 = repeat('f', 64) WHERE name = 'guide-1'"],
    [
      "and back",
      "UPDATE repo SET weights_sha256 = (SELECT weights_sha256 FROM repo_weights w WHERE w.repo_id = repo.id) WHERE name = 'guide-1'",
    ],
    [
      "what judged becomes private",
      "UPDATE pair SET judge_commit_id = (SELECT head_commit_id FROM repo WHERE name = 'base-100'); UPDATE repo SET visibility = 'private' WHERE name = 'base-100'",
    ],
    ["and public again", "UPDATE repo SET visibility = 'public' WHERE name = 'base-100'"],
    [
      "who has the weights has them no more",
      "DELETE FROM repo_weights WHERE repo_id IN (SELECT id FROM repo WHERE name IN ('guide-1', 'finetune-12'))",
    ],
    [
      "a copy of them comes",
      "INSERT INTO repo_weights (repo_id, weights_sha256, measured_as, first_at) SELECT c.id, r.weights_sha256, r.weights_sha256, now() FROM repo r, repo c WHERE r.name IN ('guide-1', 'finetune-12') AND c.name = 'base-200'",
    ],
  ])("%s", async (_what, change) => {
    const before = await rows();
    await client.query(change);
    await keepCounts();
    const after = await rows();
    expect(after).not.toEqual(before);
    expect(await countedFromNothing()).toEqual(after);
  });

  test("one guide that is private takes along what only it was measured with", async () => {
    await client.query("UPDATE repo SET visibility = 'private' WHERE kind = 'guide'");
    const before = await measured();
    await keepCounts();
    expect([before > 0, await measured()]).toEqual([true, 0]);
    await client.query("UPDATE repo SET visibility = 'public' WHERE kind = 'guide'");
    await keepCounts();
    expect(await measured()).toBe(before);
  });

  test("what people do through the services", async () => {
    await updateRepo(theHub, { owner: "org4", repo: "finetune-4" }, { visibility: "private" });
    await deleteRepo(theHub, { owner: "org5", repo: "finetune-5" });
    await updateRepo(theHub, { owner: "org6", repo: "finetune-6" }, { license: "gpl", base: "org0/base-100" });
    await keepCounts();
    const after = await rows();
    expect(await countedFromNothing()).toEqual(after);
  });
});

describe("what was measured with very many", () => {
  /** Of the guide that half of the fine-tunes are measured with, more pairs than one piece follows: the same ones in other runtimes. */
  const MORE = 5_000;
  const stoppedAfter = (pieces: number): AbortSignal => {
    let left = pieces;
    return {
      get aborted() {
        return left-- <= 0;
      },
    } as AbortSignal;
  };
  const reaching = async () =>
    (await client.query<{ after: string | null }>("SELECT after FROM facet_due WHERE reaches")).rows;

  test("is followed in pieces, and goes on where a process was killed between two", async () => {
    // Past the triggers, for their time.
    await client.query(`
      SET session_replication_role = replica;
      INSERT INTO pair (id, unit_hash, guide_weights_sha256, protocol, runtime, unit_id, finetune_commit_id, guide_commit_id, verdict, measured_at)
        SELECT gen_random_uuid(), p.unit_hash, p.guide_weights_sha256, p.protocol, 'run ' || n, p.unit_id, p.finetune_commit_id, p.guide_commit_id, p.verdict, p.measured_at
        FROM generate_series(1, ${MORE}) n JOIN LATERAL (
          SELECT p.* FROM pair p JOIN repo g ON g.weights_sha256 = p.guide_weights_sha256 AND g.name = 'guide-21' WHERE p.runtime = 'cpu-f32' ORDER BY p.id OFFSET n % 20 LIMIT 1) p ON true;
      SET session_replication_role = origin;
      ANALYZE pair`);
    const before = await rows();
    await client.query("UPDATE repo SET visibility = 'private' WHERE name = 'guide-21'");
    expect(await reaching()).toEqual([{ after: null }]);
    for (const pieces of [1, 1]) {
      await keepCounts(stoppedAfter(pieces));
      const [due] = await reaching();
      expect(due?.after).toMatch(/^[0-9a-f-]{36}$/); // not at its end, and not at its beginning
    }
    await keepCounts();
    expect(await reaching()).toEqual([]);
    const after = await rows();
    expect(after).not.toEqual(before);
    expect(await countedFromNothing()).toEqual(after);
    await client.query("UPDATE repo SET visibility = 'public' WHERE name = 'guide-21'");
    await keepCounts();
    expect(await rows()).toEqual(before);
    await client.query(
      "SET session_replication_role = replica; DELETE FROM pair WHERE runtime LIKE 'run %'; SET session_replication_role = origin",
    );
    await keepCounts();
  });
});

test("two who keep them at once count nothing twice, whatever is changed meanwhile", async () => {
  const over = new AbortController();
  const keeping = [0, 1, 2].map(async () => {
    let counted = 0;
    while (!over.signal.aborted) counted += await keepCounts();
    return counted;
  });
  for (let round = 0; round < 30; round++)
    await client.query("UPDATE repo SET license = CASE license WHEN 'x' THEN 'y' ELSE 'x' END WHERE name LIKE $1", [
      `%${round % 10}`,
    ]);
  over.abort();
  const counted = await Promise.all(keeping);
  expect(counted.reduce((sum, each) => sum + each, 0)).toBeGreaterThan(0);
  await keepCounts();
  const after = await rows();
  expect(await countedFromNothing()).toEqual(after);
  expect((await client.query("SELECT FROM facet_count WHERE count <= 0")).rowCount).toBe(0);
});

test("a change that is not committed is not counted, and is not forgotten", async () => {
  await client.query("BEGIN; UPDATE repo SET license = 'late' WHERE name = 'finetune-8'");
  expect(await keepCounts()).toBe(0);
  await client.query("COMMIT");
  expect(await keepCounts()).toBe(1);
});

test("a base that is not to be seen is counted for nobody", async () => {
  await client.query("UPDATE repo SET visibility = 'private' WHERE name = 'base-0'");
  await keepCounts();
  const { facets } = await listRepos(anonymous, repoQuery.parse({ facets: "true" }));
  expect(facets!.base.map(({ value }) => value)).not.toContain("org0/base-0");
  expect(facets!.base.length).toBeGreaterThan(0);
});

describe("a public verdict behind many that nobody else may know of", () => {
  test("is found all the same, and no more of them are walked past than a bound", async () => {
    // Past the triggers, for their time: what they would do follows.
    await client.query(`
      SET session_replication_role = replica;
      UPDATE pair SET verdict = 'inconclusive' WHERE unit_hash = (SELECT weights_sha256 FROM repo WHERE name = 'finetune-9');
      INSERT INTO pair (id, unit_hash, guide_weights_sha256, protocol, runtime, unit_id, finetune_commit_id, guide_commit_id, verdict, measured_at)
        SELECT gen_random_uuid(), p.unit_hash, encode(sha256(n::text::bytea), 'hex'), '1', 'cpu-f32', p.unit_id, p.finetune_commit_id, p.guide_commit_id, 'verified', now()
        FROM (SELECT p.* FROM pair p JOIN repo r ON r.weights_sha256 = p.unit_hash AND r.name = 'finetune-9' LIMIT 1) p, generate_series(1, 5000) n;
      SET session_replication_role = origin;
      UPDATE repo SET at_best = 'verified' WHERE name = 'finetune-9';
      INSERT INTO facet_due (repo_id) SELECT id FROM repo WHERE name = 'finetune-9';
      ANALYZE pair`);
    await keepCounts();
    const of = async (measured: string): Promise<string[]> =>
      (
        await listRepos(anonymous, repoQuery.parse({ measured, kind: "finetune", owner: "org9", q: "finetune-9" }))
      ).items.map(({ name }) => name);
    expect([await of("verified"), await of("inconclusive")]).toEqual([[], ["finetune-9"]]);
    const { queries } = await recordQueries(() => of("inconclusive"));
    const looked: number[] = [];
    for (const { text, values } of queries) {
      const { rows: plan } = await client.query<{ "QUERY PLAN": [{ Plan: Node }] }>(
        `EXPLAIN (ANALYZE, FORMAT JSON) ${text}`,
        [...values],
      );
      looked.push(rowsOf(plan[0]!["QUERY PLAN"][0].Plan, "pair"));
    }
    expect(Math.max(...looked)).toBeGreaterThan(0);
    expect(Math.max(...looked)).toBeLessThan(1000);
  });
});

interface Node {
  readonly "Relation Name"?: string;
  readonly "Actual Rows": number;
  readonly "Actual Loops": number;
  readonly Plans?: readonly Node[];
}

const rowsOf = (node: Node, table: string): number =>
  (node["Relation Name"] === table ? node["Actual Rows"] * node["Actual Loops"] : 0) +
  (node.Plans ?? []).reduce((sum, each) => sum + rowsOf(each, table), 0);
