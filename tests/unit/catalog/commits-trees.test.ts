import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { listAllBelow, listFolder } from "#lib/catalog/files/list.ts";
import { lastChanges, listTree } from "#lib/catalog/files/service.ts";
import { treeQuery } from "#lib/catalog/files/schema.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { findFiles, readNodes, rootOf } from "#lib/catalog/trees/repository.ts";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { newPerson } from "../../support/actors.ts";
import { commitContents } from "../../support/evidence.ts";
import { expectSound } from "../../support/sound-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";

// What commits and lists of a large repo cost, counted in rows.

const FILES = 9990;
const MAX_ENTRIES = 32;

const hub = await useTempHub();
let ann: Person;
const large = { owner: "ann", repo: "large" };
let commitId: string;

const newRepo = async (name: string): Promise<string> =>
  (await createRepo(ann, { owner: "ann", name, kind: "finetune", visibility: "public" })).id;
const commit = (repo: string, files: Record<string, string>) =>
  createCommit(
    ann,
    { owner: "ann", repo },
    {
      title: "Change",
      operations: Object.entries(files).map(([path, content]) => ({ op: "add" as const, path, content })),
    },
  );

beforeAll(async () => {
  ann = await newPerson("ann");
  const content = { ...(await storeBytes(Buffer.from("one"))), lfs: false };
  const paths = Array.from({ length: FILES }, (_, i) => `data/${i}.txt`);
  commitId = await commitContents(
    await newRepo("large"),
    paths.map((path) => ({ path, content })),
  );
  await commitContents(
    await newRepo("deep"),
    Array.from({ length: 2970 }, (_, i) => ({
      path: [...Array<string>(500).fill("d"), `${i}.txt`].join("/"),
      content,
    })),
  );
  await database().$executeRaw`ANALYZE`;
});
afterAll(() => hub.close());

const rows = async (): Promise<{ trees: number; entries: number }> => {
  const [row] = await database().$queryRaw<[{ trees: number; entries: number }]>`
    SELECT (SELECT count(*)::int FROM tree) AS trees, (SELECT count(*)::int FROM tree_entry) AS entries`;
  return row;
};

/** How many rows of trees this reads. It need look at no table from end to end. */
async function rowsRead(work: (transaction: Transaction) => Promise<unknown>): Promise<number> {
  let read = NaN;
  await database().$transaction(async (transaction) => {
    await transaction.$executeRaw`SET LOCAL enable_seqscan = off`; // this hub is small: else the planner would not mind one
    const count = async (): Promise<{ scans: number; read: number }> =>
      (
        await transaction.$queryRaw<{ scans: number; read: number }[]>`
          SELECT sum(seq_scan)::int AS scans, sum(seq_tup_read + idx_tup_fetch)::int AS read FROM pg_stat_xact_user_tables WHERE relname IN ('tree', 'tree_entry')`
      )[0]!;
    const before = await count();
    await work(transaction);
    const after = await count();
    expect(after.scans - before.scans).toBe(0);
    read = after.read - before.read;
  });
  return read;
}

describe("in a repo of ten thousand files in one folder", () => {
  test.each([
    ["a card", { "README.md": "# A card" }],
    ["a file among the others", { "data/5000.txt": "other" }],
    ["a file more", { "data/5000-b.txt": "more" }],
  ])("a commit of %s writes a few nodes", async (_what, files) => {
    const before = await rows();
    await commit("large", files);
    const after = await rows();
    expect(after.trees - before.trees).toBeLessThanOrEqual(2 * 3);
    expect(after.entries - before.entries).toBeLessThanOrEqual(2 * 3 * MAX_ENTRIES);
  });

  test("a file is found by one node of each level", async () => {
    const read = await rowsRead(async (transaction) => {
      expect((await findFiles(transaction, commitId, ["data/7777.txt", "DATA/7.txt"])).size).toBe(1);
    });
    expect(read).toBeLessThanOrEqual(2 * 3 * MAX_ENTRIES);
  });

  test.each([
    ["a folder", listFolder],
    ["all below a folder", listAllBelow],
  ])("a page of %s reads that page and a little more", async (_what, list) => {
    const read = await rowsRead(async (transaction) => {
      const { repoId, treeId } = await rootOf(transaction, commitId);
      const load = (ids: readonly string[]) => readNodes(transaction, repoId, ids);
      const root = (await load([treeId])).get(treeId)!;
      expect(await list(root, load, "data", { path: "data/5000.txt", isFolder: false }, 201)).toHaveLength(201);
    });
    expect(read).toBeLessThan(201 + 40 * MAX_ENTRIES);
  });

  test("pages follow each other to the end", async () => {
    const paths: string[] = [];
    for (let cursor: string | null | undefined; cursor !== null;) {
      const page = await listTree(ann, large, treeQuery.parse({ path: "data", ...(cursor && { cursor }) }));
      paths.push(...page.items.map(({ path }) => path));
      cursor = page.next;
    }
    expect(new Set(paths).size).toBe(FILES + 1);
  });

  test("what changed last is said of the files on a page", async () => {
    const changes = await lastChanges(ann, large, "main", ["data", "README.md"]);
    expect(changes.get("data")?.title).toBe("Change");
    expect((await lastChanges(ann, large, "main", ["data/5.txt"])).get("data/5.txt")?.title).toBe("Files");
  });
});

describe("files that lie five hundred folders deep, from before there was a bound", () => {
  const deep = { owner: "ann", repo: "deep" };

  test("are listed a page at a time, and may be deleted", async () => {
    const page = await listTree(ann, deep, treeQuery.parse({ recursive: "true" }));
    expect(page.items).toHaveLength(1000);
    const folder = Array<string>(500).fill("d").join("/");
    const { items } = await listTree(ann, deep, treeQuery.parse({ path: folder, limit: "10" }));
    expect(items[0]!.path).toBe(`${folder}/0.txt`);
    const before = await rows();
    await createCommit(ann, deep, { title: "Less", operations: [{ op: "delete", path: `${folder}/0.txt` }] });
    expect((await rows()).trees - before.trees).toBeLessThanOrEqual(2 * 3);
  });

  test("new ones are refused", async () => {
    await expect(commit("deep", { [`${"a/".repeat(33)}b`]: "x" })).rejects.toMatchObject({
      code: "bad_request",
      detail: { rule: "depth", limit: 32 },
    });
  });
});

describe("a commit asks for an inspection", () => {
  const inspected = async (id: string) =>
    (await database().inspection.findMany({ where: { commitId: id } })).map(({ state, contract }) => ({
      state,
      contract,
    }));
  /** As a worker ends it. */
  const readToTheEnd = async (id: string): Promise<void> => {
    await database()
      .$executeRaw`UPDATE inspection SET state = 'running', attempt = attempt + 1 WHERE commit_id = ${id}`;
    await database()
      .$executeRaw`UPDATE inspection SET state = 'succeeded', facts = '{}', contract = 'one', finished_at = now() WHERE commit_id = ${id}`;
  };
  const [queued, carried] = [[{ state: "queued", contract: null }], [{ state: "succeeded", contract: "one" }]];

  test("only where it changes what is read; else what was found of its parent holds for it", async () => {
    await newRepo("read");
    const first = await commit("read", { "config.json": "{}" });
    expect(await inspected(first.id)).toEqual(queued);
    expect(await inspected((await commit("read", { "README.md": "# too early" })).id)).toEqual(queued); // nothing is known yet
    const waiting = await commit("read", { LICENSE: "MIT" });
    await readToTheEnd(waiting.id);
    for (const files of [{ "README.md": "# A card" }, { "docs/picture.PNG": "x", "licence-mit.txt": "x" }] as Record<
      string,
      string
    >[])
      expect(await inspected((await commit("read", files)).id)).toEqual(carried);
    const other = await commit("read", { "README.md": "# Another", "unet/config.json": "{}" });
    expect(await inspected(other.id)).toEqual(queued);
  });

  test("where its card names another base", async () => {
    await createRepo(ann, { owner: "ann", name: "base", kind: "base", visibility: "public" });
    await newRepo("named");
    const first = await commit("named", { "config.json": "{}" });
    await readToTheEnd(first.id);
    expect(await inspected((await commit("named", { "README.md": "---\nbase_model: ann/base\n---" })).id)).toEqual(
      queued,
    );
  });
});

test("the hub is sound after all this", () => expectSound());
