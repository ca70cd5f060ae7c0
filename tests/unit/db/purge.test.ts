import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { ids, oid, sha, smallHub, uuid } from "../../support/small-hub.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const client = new pg.Client({ connectionString: temp.url });

beforeAll(async () => {
  await client.connect();
  await client.query(smallHub);
});

afterAll(async () => {
  await client.end();
  await temp.drop();
});

/** Runs statements, deferred rules included, asks, and undoes it all. The answer: the values of each row. */
async function after(sql: string, question: string): Promise<unknown[][]> {
  await client.query("BEGIN");
  try {
    await client.query(`${sql}; SET CONSTRAINTS ALL IMMEDIATE`);
    return (await client.query<unknown[]>({ text: question, rowMode: "array" })).rows;
  } finally {
    await client.query("ROLLBACK");
  }
}

const count = (...tables: string[]): string =>
  `SELECT ${tables.map((table) => `(SELECT count(*)::int FROM ${table})`).join(", ")}`;
const download = (day: string, visitor: string): string =>
  `SELECT count_download('${ids.fine}', '${day}', '${sha(visitor)}', '${sha("a")}', 2, '${sha("b")}', 3)`;
const hide = (repo: string): string => `UPDATE repo SET deleted_at = now() WHERE id = '${repo}'`;
const purge = (repo: string): string => `${hide(repo)}; DELETE FROM repo WHERE id = '${repo}'`;

test("a hidden repo is purged with its history, and its evidence stays with the weights", async () => {
  const before = await after(
    "SELECT",
    count(
      "repo",
      "commit",
      "tree",
      "tree_entry",
      "repo_blob",
      "ref",
      "upload",
      "inspection",
      "preview",
      "preview_image",
      "webhook",
      "download_day",
      "download_seen",
      "pair",
      "measurement",
      "blob",
    ),
  );
  expect(before).toEqual([[3, 4, 5, 5, 3, 4, 1, 1, 2, 1, 1, 1, 1, 1, 3, 4]]);
  const left = await after(
    purge(ids.fine),
    count(
      "repo",
      "commit",
      "tree",
      "tree_entry",
      "repo_blob",
      "ref",
      "upload",
      "inspection",
      "preview",
      "preview_image",
      "webhook",
      "download_day",
      "download_seen",
      "pair",
      "measurement",
      "blob",
    ),
  );
  expect(left).toEqual([[2, 2, 3, 2, 1, 2, 0, 0, 0, 0, 0, 0, 0, 1, 3, 4]]);
  expect(await after(purge(ids.fine), "SELECT finetune_commit_id, guide_commit_id FROM pair")).toEqual([
    [null, oid("4")],
  ]);
});

test("a sheet goes with its pair, and with either repo, and nobody else's preview does", async () => {
  const previews = "SELECT id FROM preview";
  expect(await after(`DELETE FROM pair WHERE id = '${ids.pair}'`, previews)).toEqual([[ids.preview]]);
  for (const repo of [ids.fine, ids.guide])
    expect(await after(purge(repo), `${previews} UNION SELECT id FROM pair`)).toEqual([[ids.pair]]);
});

test("a commit of a hidden repo may go by itself once nothing points at it", async () => {
  const gone = `${hide(ids.fine)}; DELETE FROM ref WHERE name = 'main' AND repo_id = '${ids.fine}'; UPDATE repo_blob SET commit_id = '${oid("2")}' WHERE commit_id = '${oid("3")}'; DELETE FROM commit WHERE id = '${oid("3")}'`;
  expect(await after(gone, `SELECT id FROM commit WHERE repo_id = '${ids.fine}'`)).toEqual([[oid("2")]]);
  await expect(after(`${hide(ids.fine)}; DELETE FROM commit WHERE id = '${oid("3")}'`, "SELECT")).rejects.toMatchObject(
    { constraint: "ref_repo_id_commit_id_fkey" },
  );
});

test("purging a base leaves what was made for it", async () => {
  expect(await after(purge(ids.base), "SELECT DISTINCT base_id FROM repo")).toEqual([[null]]);
  expect(await after(purge(ids.base), "SELECT base_commit_id, result_commit_id FROM distillation")).toEqual([
    [null, oid("4")],
  ]);
  // What a private base drew tells of it: without the base nobody could say who may see that.
  const hidden = `UPDATE repo SET visibility = 'private' WHERE id = '${ids.base}'; ${purge(ids.base)}`;
  expect(await after(hidden, "SELECT id FROM distillation")).toEqual([]);
});

test("a person with a namespace, or a namespace with repos, does not go", async () => {
  await expect(after("DELETE FROM app_user WHERE id = 'ann'", "SELECT")).rejects.toMatchObject({
    constraint: "namespace_user_id_fkey",
  });
  await expect(after(`DELETE FROM namespace WHERE id = '${ids.ann}'`, "SELECT")).rejects.toMatchObject({
    constraint: "repo_namespace_id_fkey",
  });
});

test("a person who goes takes their ways in and their previews, and is forgotten elsewhere", async () => {
  const leave = `${purge(ids.guide)}; DELETE FROM namespace WHERE id = '${ids.ann}'; DELETE FROM app_user WHERE id = 'ann'`;
  expect(
    await after(
      leave,
      count("session", "account", "apikey", "member", "preview", "preview_image", "commit", "upload", "webhook"),
    ),
  ).toEqual([[0, 0, 0, 0, 0, 0, 3, 1, 1]]);
  expect(await after(leave, "SELECT DISTINCT author_id FROM commit ORDER BY 1")).toEqual([["bob"], [null]]);
  expect(await after(leave, "SELECT user_id, state FROM upload")).toEqual([[null, "verified"]]);
  expect(await after(leave, "SELECT created_by_id FROM webhook")).toEqual([[null]]);
  expect(await after(leave, "SELECT actor_id FROM outbox WHERE actor_id IS NOT NULL")).toEqual([["ann"]]); // the record stays
});

test("a blob is deleted with its hashes, and an ended upload forgets it", async () => {
  const unused = `INSERT INTO blob_hash VALUES ('${sha("c")}', 'crc32', 'cccccccc'); UPDATE upload SET state = 'expired'; UPDATE blob SET purging_at = now() WHERE sha256 = '${sha("c")}'; DELETE FROM blob WHERE sha256 = '${sha("c")}'`;
  expect(await after(unused, "SELECT state, blob_sha256 FROM upload")).toEqual([["expired", null]]);
  expect(await after(unused, "SELECT algorithm FROM blob_hash")).toEqual([["autov2"]]);
});

test("the head of a repo is its default branch with its last good inspection", async () => {
  const inspected = `UPDATE inspection SET state = 'running', attempt = 1; UPDATE inspection SET state = 'succeeded', facts = '{"a": 1}', contract = 'old', finished_at = '2026-01-01';
    INSERT INTO inspection (id, commit_id, tool_version, state, facts, contract, finished_at) VALUES ('${uuid(40)}', '${oid("3")}', '2', 'succeeded', '{}', 'sd-v1-eps-768', '2026-01-02'), ('${uuid(41)}', '${oid("3")}', '3', 'queued', NULL, 'newest', NULL)`;
  const heads = "SELECT repo_id, commit_id, contract FROM repo_head ORDER BY repo_id";
  expect(await after(inspected, heads)).toEqual([
    [ids.base, oid("1"), null],
    [ids.fine, oid("3"), "sd-v1-eps-768"],
    [ids.guide, oid("4"), null],
  ]);
  expect(await after(hide(ids.fine), heads)).toEqual([
    [ids.base, oid("1"), null],
    [ids.guide, oid("4"), null],
  ]);
});

test("a download counts once for each repo, day and visitor", async () => {
  const four = [
    download("2026-01-01", "0"),
    download("2026-01-01", "1"),
    download("2026-01-01", "1"),
    download("2026-01-02", "1"),
  ].join("; "); // 0 was there
  expect(await after(four, "SELECT day::text, count FROM download_day ORDER BY 1")).toEqual([
    ["2026-01-01", 2],
    ["2026-01-02", 1],
  ]);
  expect(await after(four, `SELECT downloads FROM repo WHERE id = '${ids.fine}'`)).toEqual([[2]]);
  const many = ["1", "2", "3", "4"].map((visitor) => download("2026-01-02", visitor)).join("; ");
  expect(await after(many, "SELECT count FROM download_day WHERE day = '2026-01-02'")).toEqual([[2]]); // the cap at one repo
});
