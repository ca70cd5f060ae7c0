import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { manyRepos } from "../../support/many-repos.ts";
import { createTempDatabase, type TempDatabase } from "../../support/temp-database.ts";

const COUNT = 200;
let temp: TempDatabase;
let client: pg.Client;
beforeAll(async () => {
  temp = await createTempDatabase();
  client = new pg.Client({ connectionString: temp.url });
  await client.connect();
  await client.query(manyRepos(COUNT));
});
afterAll(async () => {
  await client.end();
  await temp.drop();
});

/** What stands in the rows of repos and in the words, beside what it is worked out from. */
async function differences(): Promise<unknown[]> {
  const { rows } = await client.query(`
    WITH head AS (
      SELECT r.id, r.name, f.commit_id, c.size, i.id AS inspection_id, i.contract, i.weights_sha256,
        CASE WHEN i.weights_sha256 IS NULL OR i.contract IS NULL THEN NULL WHEN r.kind = 'base' THEN r.id ELSE coalesce(b.repo_id, r.base_id) END AS family_id,
        n.name_key || '/' || r.name_key AS search_name, words_of(n.name || ' ' || r.name || ' ' || r.summary || ' ' || array_to_string(r.tags, ' ')) AS words
      FROM repo r JOIN namespace n ON n.id = r.namespace_id
      LEFT JOIN ref f ON f.repo_id = r.id AND f.name = r.default_branch AND f.kind = 'branch'
      LEFT JOIN commit c ON c.id = f.commit_id
      LEFT JOIN LATERAL (SELECT * FROM inspection WHERE commit_id = f.commit_id AND state = 'succeeded' ORDER BY finished_at DESC LIMIT 1) i ON true
      LEFT JOIN commit b ON b.id = i.base_commit_id)
    SELECT h.* FROM head h JOIN repo r ON r.id = h.id LEFT JOIN repo_search s ON s.repo_id = r.id
    WHERE (r.head_commit_id, r.head_size, r.head_inspection_id, r.contract, r.weights_sha256, r.family_id, s.name, s.words)
      IS DISTINCT FROM (h.commit_id, h.size, h.inspection_id, h.contract, h.weights_sha256, h.family_id, h.search_name, h.words)`);
  return rows;
}

const repo = (name: string): string => `(SELECT id FROM repo WHERE name = '${name}')`;
const head = (name: string): string => `(SELECT commit_id FROM ref WHERE repo_id = ${repo(name)} AND name = 'main')`;
const inspection = (of: string, version: string, more = "now() + interval '1 hour'"): string =>
  `INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, weights_sha256, finished_at)
   VALUES (gen_random_uuid(), ${head(of)}, '${version}', 'succeeded', '{}', 'other', repeat('e', 64), ${more})`;

describe("what a repo is today, and its words, stand in its row whatever changes them", () => {
  const changes: Readonly<Record<string, string>> = {
    "as many were added at once": "SELECT",
    "a second branch": `INSERT INTO ref (repo_id, name, kind, commit_id) SELECT repo_id, 'next', 'branch', commit_id FROM ref WHERE repo_id = ${repo("guide-1")}`,
    "another default branch": `UPDATE repo SET default_branch = 'next' WHERE name = 'guide-1'`,
    "a default branch that is not there": `UPDATE repo SET default_branch = 'gone' WHERE name = 'guide-11'`,
    "its branch goes": `DELETE FROM ref WHERE repo_id = ${repo("guide-21")}`,
    "a branch moves to a new commit": `BEGIN; INSERT INTO commit (id, repo_id, sequence, title, file_count, size, tree_id)
        SELECT repeat('f', 40), repo_id, 2, 'Second', 1, 10, tree_id FROM commit WHERE repo_id = ${repo("finetune-2")};
      UPDATE ref SET commit_id = repeat('f', 40), version = version + 1 WHERE repo_id = ${repo("finetune-2")}; COMMIT`,
    "and back": `UPDATE ref SET commit_id = (SELECT id FROM commit WHERE repo_id = ${repo("finetune-2")} AND sequence = 1), version = version + 1 WHERE repo_id = ${repo("finetune-2")}`,
    "a newer inspection": inspection("finetune-4", "2"),
    "an older one": inspection("finetune-5", "0", "'2020-01-01'"),
    "an inspection is asked for again": `UPDATE inspection SET state = 'queued' WHERE commit_id = ${head("finetune-6")}`,
    "another base was found": `UPDATE inspection SET base_commit_id = ${head("base-100")} WHERE commit_id = ${head("finetune-7")}`,
    "another base is declared": `UPDATE repo SET base_id = ${repo("base-100")} WHERE name = 'finetune-8'`,
    "an inspection goes": `DELETE FROM inspection WHERE commit_id = ${head("finetune-9")}`,
    "other words": `UPDATE repo SET summary = 'Nothing but clouds.', tags = '{sky,blue}' WHERE name = 'finetune-10'`,
    "another owner's name": `UPDATE namespace SET name = 'Renamed' WHERE name = 'org7'`,
    "a base goes": `BEGIN; UPDATE repo SET deleted_at = now() WHERE name = 'base-100'; DELETE FROM repo WHERE name = 'base-100'; COMMIT`,
  };
  for (const [what, change] of Object.entries(changes))
    test(what, async () => {
      await client.query(change);
      expect(await differences()).toEqual([]);
    });
});

test("of two that change a head at once the second sees what the first did", async () => {
  const other = new pg.Client({ connectionString: temp.url });
  await other.connect();
  try {
    const commit = `SELECT id FROM commit WHERE repo_id = ${repo("finetune-2")} AND sequence = 2`;
    // The branch goes back to a commit while that is being inspected, and the inspection ends before it: it saw the branch elsewhere.
    await client.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    await client.query(
      `INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, weights_sha256, finished_at) VALUES (gen_random_uuid(), (${commit}), '9', 'succeeded', '{}', 'x', repeat('d', 64), now())`,
    );
    await other.query("BEGIN ISOLATION LEVEL READ COMMITTED");
    const moves = other.query(
      `UPDATE ref SET commit_id = (${commit}), version = version + 1 WHERE repo_id = ${repo("finetune-2")}`,
    );
    await client.query("SELECT pg_sleep(0.1)"); // it waits for the row by then; whether it does changes nothing
    await client.query("COMMIT");
    await moves;
    await other.query("COMMIT");
    expect(await differences()).toEqual([]);
    const { rows } = await client.query("SELECT weights_sha256 FROM repo WHERE name = 'finetune-2'");
    expect(rows).toEqual([{ weights_sha256: "d".repeat(64) }]);
  } finally {
    await other.end();
  }
});
