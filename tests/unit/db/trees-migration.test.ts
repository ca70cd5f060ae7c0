import { cp, mkdtemp, readdir, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { keyOf } from "#lib/catalog/trees/key.ts";
import { applyMigrations } from "#workers/setup/migrate.ts";
import { oid, sha, uuid } from "../../support/small-hub.ts";
import { createTempDatabase, migrationsFolder } from "../../support/temp-database.ts";

// A hub of before, with a copy of all files for each commit, is migrated: nothing of it is lost.

const OURS = "20261130140000_trees";
const temp = await createTempDatabase("empty");
const client = new pg.Client({ connectionString: temp.url });
let before: unknown[];
const [repo, other] = [uuid(2), uuid(3)];

const files = "SELECT c.id, f.path, f.blob_sha256, f.size, f.lfs";
const many = (title: string, readme: string): string =>
  `${title}, ARRAY(SELECT 'data/' || n || '.txt' FROM generate_series(1, 700) n) || '{README.md,Ärger/Straße.txt,a/b.txt,a-b.txt,a/B/c,文.txt}'::text[], '${readme}'`;

beforeAll(async () => {
  const older = await mkdtemp(join(tmpdir(), "migrations-"));
  for (const name of await readdir(migrationsFolder))
    if (name < OURS) await cp(join(migrationsFolder, name), join(older, name), { recursive: true });
  await applyMigrations(temp.url, older);
  await rm(older, { recursive: true });
  await client.connect();
  await client.query(`
    INSERT INTO namespace (id, kind, name) VALUES ('${uuid(1)}', 'organisation', 'Lab');
    INSERT INTO repo (id, namespace_id, name, kind, visibility) VALUES ('${repo}', '${uuid(1)}', 'one', 'base', 'public'), ('${other}', '${uuid(1)}', 'other', 'base', 'public');
    INSERT INTO blob (sha256, size, storage_key, git_sha1, verified_at) SELECT repeat(d, 64), n * 10, 'key-' || d, repeat(d, 40), now() FROM unnest('{a,b,c,d}'::text[]) WITH ORDINALITY x (d, n);
    CREATE FUNCTION pg_temp.commit(id text, of_repo uuid, sequence int, parent text, paths text[], readme text) RETURNS void LANGUAGE sql AS $$
      INSERT INTO commit (id, repo_id, sequence, parent_id, title, file_count, size)
        SELECT id, of_repo, sequence, parent, 'x', count(*), coalesce(sum(CASE WHEN path = 'README.md' THEN size ELSE 10 END), 0) FROM unnest(paths) path, blob WHERE sha256 = readme;
      INSERT INTO commit_file SELECT id, path, CASE WHEN path = 'README.md' THEN readme ELSE repeat('a', 64) END, CASE WHEN path = 'README.md' THEN size ELSE 10 END, path LIKE '%7.txt'
        FROM unnest(paths) path, blob WHERE sha256 = readme;
    $$;
    SELECT pg_temp.commit('${oid("1")}', '${repo}', 1, ${many("NULL", sha("b"))});
    SELECT pg_temp.commit('${oid("2")}', '${repo}', 2, ${many(`'${oid("1")}'`, sha("c"))});
    SELECT pg_temp.commit('${oid("3")}', '${repo}', 3, '${oid("2")}', '{}', '${sha("b")}');
    SELECT pg_temp.commit('${oid("4")}', '${other}', 1, NULL, '{README.md,a.bin}', '${sha("d")}');
    INSERT INTO ref (repo_id, name, kind, commit_id) VALUES ('${repo}', 'main', 'branch', '${oid("2")}'), ('${repo}', 'empty', 'branch', '${oid("3")}'), ('${other}', 'main', 'branch', '${oid("4")}')`);
  ({ rows: before } = await client.query(
    `${files} FROM commit c JOIN commit_file f ON f.commit_id = c.id ORDER BY 1, f.path COLLATE "C"`,
  ));
  await applyMigrations(temp.url, migrationsFolder);
});

afterAll(async () => {
  await client.end();
  await temp.drop();
});

const ask = async (sql: string): Promise<Record<string, unknown>[]> => (await client.query(sql)).rows;

test("every commit has the files that it had", async () => {
  expect(before.length).toBe(2 * 706 + 2);
  expect(await ask(`${files} FROM commit c, files_of(c.repo_id, c.tree_id) f ORDER BY 1, f.path COLLATE "C"`)).toEqual(
    before,
  );
});

test("the keys are those of the program, so each file is found by its path", async () => {
  for (const path of ["README.md", "Ärger/Straße.txt", "a/b.txt", "a-b.txt", "a/B/c", "文.txt", "data/7.txt"])
    expect(
      (
        await client.query(
          `SELECT f.path, f.lfs FROM commit c, file_at(c.repo_id, c.tree_id, $1) f WHERE c.id = '${oid("2")}'`,
          [keyOf(path)],
        )
      ).rows,
    ).toEqual([{ path, lfs: path.endsWith("7.txt") }]);
});

test("a commit that changed one file shares all the rest, and every tree is whole", async () => {
  const [first, second] = ["1", "2"].map(
    (id) =>
      `WITH RECURSIVE t AS (SELECT tree_id AS id FROM commit WHERE id = '${oid(id)}' UNION ALL SELECT child_id FROM t JOIN tree_entry e ON e.tree_id = t.id AND e.repo_id = '${repo}' WHERE child_id IS NOT NULL) SELECT id FROM t`,
  );
  expect(await ask(`SELECT count(*)::int AS own FROM ((${second}) EXCEPT (${first})) x`)).toEqual([{ own: 2 }]);
  // Taken away past the rules and put back by the front door, each tree is looked at by them.
  await client.query(`BEGIN; CREATE TEMP TABLE copy AS SELECT * FROM tree;
    SET LOCAL session_replication_role = replica; DELETE FROM tree; SET LOCAL session_replication_role = origin;
    INSERT INTO tree SELECT * FROM copy; SET CONSTRAINTS ALL IMMEDIATE; ROLLBACK`);
});

test("each repo has the contents that its commits named", async () => {
  expect(
    await ask(
      "SELECT repo_id, left(blob_sha256, 1) AS blob, left(commit_id, 1) AS commit, head_paths FROM repo_blob ORDER BY 1, 2",
    ),
  ).toEqual([
    { repo_id: repo, blob: "a", commit: "2", head_paths: 705 },
    { repo_id: repo, blob: "b", commit: "1", head_paths: 0 },
    { repo_id: repo, blob: "c", commit: "2", head_paths: 1 },
    { repo_id: other, blob: "a", commit: "4", head_paths: 1 },
    { repo_id: other, blob: "d", commit: "4", head_paths: 1 },
  ]);
});
