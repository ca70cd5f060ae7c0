import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { keepCounts } from "#lib/catalog/repos/keep-counts.ts";
import { forgetOld, purgeBlobs, purgeRepos, sweepPreviews, sweepUploads } from "#lib/catalog/sweep/service.ts";
import { database } from "#lib/db/client.ts";
import { ann, catalogQuestions, lookAround } from "../../support/catalog-questions.ts";
import { fullCatalog } from "../../support/full-catalog.ts";
import { recordQueries, tablesReadWhole } from "../../support/recorded-queries.ts";
import { useTempHub } from "../../support/temp-hub.ts";

/**
 * A twentieth of what `npm run bench -- catalog` fills, for its time. PostgreSQL is told that every page of a table holds twenty times as
 * many rows as it does, so it plans as if there were a hundred thousand repos.
 */
const COUNT = 5_000;
const TOLD = 20;
/** What has more rows is told of; smaller tables have the same rows in every catalog. */
const FEW = 2_500;

const hub = await useTempHub();
const client = new pg.Client({ connectionString: hub.database.url });
let grown: Set<string>;
let questions: ReturnType<typeof catalogQuestions>;

beforeAll(async () => {
  await client.connect();
  for (const statement of fullCatalog(COUNT)) await client.query(statement);
  await keepCounts();
  await client.query("VACUUM ANALYZE");
  const { rows } = await client.query<{ name: string }>(
    "SELECT relname AS name FROM pg_class WHERE relkind = 'r' AND reltuples > $1",
    [FEW],
  );
  grown = new Set(rows.map(({ name }) => name));
  await client.query("UPDATE pg_class SET reltuples = reltuples * $1 WHERE relname = ANY ($2)", [TOLD, [...grown]]);
  questions = catalogQuestions(await lookAround());
}, 300_000);
afterAll(async () => {
  await client.end();
  await hub.close();
});

test("what is looked at has grown", () => {
  for (const table of [
    "repo",
    "repo_search",
    "commit",
    "ref",
    "inspection",
    "pair",
    "job",
    "tree_entry",
    "repo_blob",
    "counted_repo",
    "facet_count",
  ])
    expect([table, grown.has(table)]).toEqual([table, true]);
});

test("a table that is read whole is found", async () => {
  const { queries } = await recordQueries(
    () => database().$queryRaw`SELECT count(*) FROM repo WHERE summary LIKE ${"%x%"} AND ${ann.kind} = 'person'`,
  );
  expect([...(await tablesReadWhole(client, queries[0]!))]).toEqual(["repo"]);
});

describe("no question reads a table whole that grows", () => {
  test("nor asks more statements than a page needs", { timeout: 300_000 }, async () => {
    const readWhole: Record<string, string[]> = {};
    for (const [what, ask] of Object.entries(questions)) {
      const { queries } = await recordQueries(ask);
      const tables = new Set<string>();
      for (const query of queries)
        for (const table of await tablesReadWhole(client, query)) if (grown.has(table)) tables.add(table);
      if (queries.length > 40) tables.add(`${queries.length} statements`);
      if (tables.size > 0) readWhole[what] = [...tables];
    }
    expect(readWhole).toEqual({});
  });
});

test("what a worker sweeps each minute is found by an index", { timeout: 300_000 }, async () => {
  const readWhole: Record<string, string[]> = {};
  const long = new Date();
  for (const [what, sweep] of Object.entries({
    uploads: () => sweepUploads(long),
    contents: () => purgeBlobs(long),
    repos: () => purgeRepos(long),
    previews: () => sweepPreviews(long),
    "what is forgotten": () => forgetOld(long),
  })) {
    const { queries } = await recordQueries<unknown>(sweep);
    for (const query of queries)
      for (const table of await tablesReadWhole(client, query))
        if (grown.has(table)) (readWhole[what] ??= []).push(`${table}: ${query.text.slice(0, 200)}`);
  }
  expect(readWhole).toEqual({});
});

test("a guide, a base and an evaluator that flip are followed by indexes that hold the order of the pieces", async () => {
  await client.query("UPDATE repo SET visibility = 'private' WHERE name IN ('guide-1', 'base-0')");
  const { queries } = await recordQueries(() => keepCounts());
  const spread = queries.find(({ text }) => text.includes("reaching AS MATERIALIZED"))!;
  const { rows } = await client.query<{ "QUERY PLAN": string }>(`EXPLAIN ${spread.text}`, [...spread.values]);
  const plan = rows.map((row) => row["QUERY PLAN"]).join("\n");
  for (const column of ["guide_weights_sha256", "unit_hash", "unit_id", "judge_commit_id"])
    expect(plan).toContain(`using pair_${column}_id_idx on pair`);
  expect([...(await tablesReadWhole(client, spread))].filter((table) => grown.has(table))).toEqual([]);
});
