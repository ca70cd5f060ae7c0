import { afterAll, beforeAll, expect, test } from "vitest";
import { openDatabase } from "#lib/db/client.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { ids, oid, sha, smallHub } from "../../support/small-hub.ts";
import { createTempDatabase } from "../../support/temp-database.ts";

const temp = await createTempDatabase();
const database = openDatabase(temp.url);

beforeAll(async () => {
  await database.$executeRawUnsafe(smallHub);
});

afterAll(async () => {
  await database.$disconnect();
  await temp.drop();
});

async function ruleBrokenBy(write: Promise<unknown>): Promise<string | null> {
  return write.then(() => expect.unreachable(), violatedRule);
}

const newRepo = { name: "pencil", kind: "base", visibility: "public" } as const;

test("a unique index, a foreign key, a check and a trigger are all known by name", async () => {
  expect(await ruleBrokenBy(database.namespace.create({ data: { kind: "organisation", name: "LAB" } }))).toBe(
    "namespace_name_key_key",
  );
  expect(await ruleBrokenBy(database.repo.create({ data: { ...newRepo, namespaceId: ids.lab } }))).toBe(
    "repo_name_unique_while_live",
  );
  expect(await ruleBrokenBy(database.repo.create({ data: { ...newRepo, namespaceId: ids.upload } }))).toBe(
    "repo_namespace_id_fkey",
  );
  expect(await ruleBrokenBy(database.namespace.delete({ where: { id: ids.ann } }))).toBe("repo_namespace_id_fkey");
  expect(await ruleBrokenBy(database.namespace.create({ data: { kind: "organisation", name: "a b" } }))).toBe(
    "namespace_name_is_a_name",
  );
  expect(await ruleBrokenBy(database.repo.delete({ where: { id: ids.fine } }))).toBe("repo_hidden_before_purge");
});

test("so they are when the statement is raw", async () => {
  expect(
    await ruleBrokenBy(database.$executeRaw`INSERT INTO blob_hash VALUES (${sha("a")}, 'autov2', 'bbbbbbbbbb')`),
  ).toBe("blob_hash_pkey");
  expect(await ruleBrokenBy(database.$executeRaw`UPDATE repo SET downloads = -1`)).toBe("repo_downloads_not_negative");
  expect(await ruleBrokenBy(database.$executeRaw`UPDATE commit SET title = 'x'`)).toBe("commit_stays");
});

test("so is a rule that speaks at the end of a transaction", async () => {
  const hollow = database.$transaction(async (transaction) => {
    await transaction.commit.create({
      data: { id: oid("5"), repoId: ids.fine, sequence: 3, title: "Hollow", treeId: sha("e"), fileCount: 1, size: 10 },
    });
  });
  expect(await ruleBrokenBy(hollow)).toBe("commit_repo_id_tree_id_file_count_size_fkey");
});

test("other failures break no rule", async () => {
  expect(await ruleBrokenBy(database.repo.update({ where: { id: ids.upload }, data: { summary: "" } }))).toBeNull(); // not there
  expect(await ruleBrokenBy(database.$executeRaw`INSERT INTO namespace (id) VALUES (gen_random_uuid())`)).toBeNull(); // a missing column
  expect(await ruleBrokenBy(database.$queryRaw`SELECT 1 / 0`)).toBeNull();
  expect(violatedRule(new Error("no"))).toBeNull();
  expect(violatedRule(null)).toBeNull();
});
