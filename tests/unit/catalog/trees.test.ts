import { createHash } from "node:crypto";
import { describe, expect, test } from "vitest";
import { listAllBelow, listFolder, type Place } from "#lib/catalog/files/list.ts";
import { findLastChanges } from "#lib/catalog/files/last-changes.ts";
import { type Change, changeTree, emptyTree, type LoadNodes } from "#lib/catalog/trees/change.ts";
import { compareKeys, keyOf } from "#lib/catalog/trees/key.ts";
import { isLeaf, lastKeyOf, MAX_ENTRIES, MIN_ENTRIES, type Node } from "#lib/catalog/trees/node.ts";
import { mulberry32 } from "#lib/util/mulberry32.ts";

// Trees in memory, beside a plain list of the same files.

const store = new Map<string, Node>([[emptyTree.id, emptyTree]]);
let loads = 0;
const load: LoadNodes = async (ids) => {
  loads += ids.length;
  return new Map(ids.map((id) => [id, store.get(id)!]));
};

const contentOf = (seed: string): NonNullable<Change["content"]> => ({
  sha256: createHash("sha256").update(seed).digest("hex"),
  size: seed.length,
  lfs: false,
});
const add = (path: string, seed = path): Change => ({ path, content: contentOf(seed) });
const remove = (path: string): Change => ({ path, content: null });

async function change(root: Node, changes: readonly Change[]): Promise<Node & { madeCount: number }> {
  const { root: after, made } = await changeTree(root, changes, load);
  for (const node of made) store.set(node.id, node);
  return { ...after, madeCount: made.length } as Node & { madeCount: number };
}

const filesOf = (root: Node): { path: string; sha256: string }[] =>
  isLeaf(root)
    ? root.entries.map(({ path, sha256 }) => ({ path, sha256 }))
    : root.entries.flatMap(({ id }) => filesOf(store.get(id)!));

function requireSound(root: Node, isRoot = true): void {
  expect(root.entries.length).toBeLessThanOrEqual(MAX_ENTRIES);
  if (!isRoot) expect(root.entries.length).toBeGreaterThanOrEqual(MIN_ENTRIES);
  for (const [i, entry] of root.entries.entries())
    if (i > 0) expect(compareKeys(lastKeyOf(root.entries[i - 1]!), entry.key)).toBe(-1);
  if (isLeaf(root)) return;
  expect(root.entries.length).toBeGreaterThan(1);
  for (const entry of root.entries) {
    const node = store.get(entry.id)!;
    expect(node.level).toBe(root.level - 1);
    expect([entry.key, entry.lastKey, entry.files, entry.size]).toEqual([
      node.entries[0]!.key,
      lastKeyOf(node.entries.at(-1)!),
      node.files,
      node.size,
    ]);
    requireSound(node, false);
  }
}

const flat = (count: number): Change[] => Array.from({ length: count }, (_, i) => add(`data/${i}.txt`));

test("whatever is added, changed and deleted, a tree has the files that a list would have, and is sound", async () => {
  const random = mulberry32(7);
  const whole = (bound: number): number => Math.floor(random() * bound);
  let root: Node = emptyTree;
  const list = new Map<string, string>();
  for (let round = 0; round < 120; round++) {
    const changes = new Map<string, Change>();
    const paths = [...list.keys()];
    const isShrinking = round % 30 > 20;
    for (let i = 0; i < whole(isShrinking ? 200 : 120) + 1; i++) {
      const path = `${"abc"[whole(3)]}/${"xyz"[whole(3)]}/${whole(400)}`;
      if (isShrinking && paths.length > 0) {
        const at = whole(paths.length); // often many in a row, so that whole nodes empty
        for (const gone of paths.toSorted().slice(at, at + whole(20))) changes.set(gone, remove(gone));
      } else changes.set(path, add(path, `${round}`));
    }
    root = await change(root, [...changes.values()]);
    for (const [path, { content }] of changes) {
      if (content) list.set(path, content.sha256);
      else list.delete(path);
    }
    requireSound(root);
    expect(root.files).toBe(list.size);
  }
  expect(filesOf(root)).toEqual(
    [...list].map(([path, sha256]) => ({ path, sha256 })).toSorted((a, b) => compareKeys(keyOf(a.path), keyOf(b.path))),
  );
  const last = await change(root, [...list.keys()].map(remove));
  expect(last.id).toBe(emptyTree.id);
});

describe("of ten thousand files in one folder", async () => {
  const root = await change(emptyTree, flat(10_000));

  test.each([
    ["changed", [add("data/5000.txt", "other")]],
    ["added in the middle", [add("data/5000a.txt")]],
    ["added at the top", [add("README.md")]],
    ["deleted", [remove("data/77.txt")]],
  ])("one is %s: a node of each level is new, and two at the most", async (_what, changes) => {
    expect(root.level).toBe(2);
    loads = 0;
    const after = await change(root, changes);
    expect(after.madeCount).toBeLessThanOrEqual(2 * 3);
    expect(loads).toBeLessThanOrEqual(2 * 3 + 2); // and the neighbours that a new path is compared with
  });

  test("the same change makes the same tree, and going back makes the tree of before", async () => {
    const changed = await change(root, [add("data/1.txt", "x")]);
    expect((await change(root, [add("data/1.txt", "x")])).id).toBe(changed.id);
    expect((await change(changed, [add("data/1.txt")])).id).toBe(root.id);
    expect((await change(root, [add("data/1.txt")])).madeCount).toBe(0);
  });

  test("a page reads the nodes of that page", async () => {
    for (const list of [listFolder, listAllBelow]) {
      loads = 0;
      const page = await list(root, load, "data", { path: "data/5000.txt", isFolder: false }, 100);
      expect(page.map(({ path }) => path)).toEqual(
        filesOf(root)
          .map(({ path }) => path)
          .filter((path) => path > "data/5000.txt")
          .slice(0, 100),
      );
      expect(loads).toBeLessThan(40); // of 450
    }
  });
});

test("a commit of one file 500 folders deep writes no more than one at the top", async () => {
  const deep = (i: number): string => [...Array.from({ length: 500 }, () => "d"), `${i}.txt`].join("/");
  const root = await change(
    emptyTree,
    Array.from({ length: 600 }, (_, i) => add(deep(i))),
  );
  expect((await change(root, [add(deep(7), "x")])).madeCount).toBe(2);
  loads = 0;
  const page = await listAllBelow(root, load, "", null, 1000);
  expect(page).toHaveLength(1000);
  expect(loads).toBeLessThan(50);
  expect((await listFolder(root, load, "d/d", null, 100)).map(({ path }) => path)).toEqual(["d/d/d"]);
});

describe("lists", async () => {
  const paths = [
    "a/b/c.txt",
    "a/b/d.txt",
    "a/b-c.txt",
    "a/b",
    "README.md",
    "z",
    "é/日本/😀.txt",
    "é/日本/ﬀ.txt",
  ].filter((path) => path !== "a/b");
  const many = Array.from({ length: 300 }, (_, i) => Array.from({ length: 5 }, (__, j) => `many/${i}/${j}/x`)).flat();
  const root = await change(
    emptyTree,
    [...paths, ...many].map((path) => add(path)),
  );

  const pages = async (list: typeof listFolder, folder: string, size: number): Promise<string[]> => {
    const all: string[] = [];
    for (let after: Place | null = null; ;) {
      const page = await list(root, load, folder, after, size);
      all.push(...page.map(({ path, file }) => (file ? path : `${path}/`)));
      if (page.length < size) return all;
      after = { path: page.at(-1)!.path, isFolder: page.at(-1)!.file === null };
    }
  };

  test("a folder's own files and folders, whatever the size of a page", async () => {
    const expected = ["a/", "many/", "README.md", "z", "é/"];
    for (const size of [1, 2, 100]) expect(await pages(listFolder, "", size)).toEqual(expected);
    expect(await pages(listFolder, "a", 1)).toEqual(["a/b/", "a/b-c.txt"]);
    expect(await pages(listFolder, "é/日本", 9)).toEqual(["é/日本/ﬀ.txt", "é/日本/😀.txt"]);
    expect(await pages(listFolder, "many", 7)).toEqual(Array.from({ length: 300 }, (_, i) => `many/${i}/`).toSorted());
    expect(await pages(listFolder, "nothing", 7)).toEqual([]);
    expect(await pages(listFolder, "a/b/c.txt", 7)).toEqual([]);
  });

  test("all below a folder, each folder once and before what is in it", async () => {
    const expected = ["a/b/", "a/b/c.txt", "a/b/d.txt", "a/b-c.txt"];
    for (const size of [1, 2, 3, 100]) expect(await pages(listAllBelow, "a", size)).toEqual(expected);
    const all = await pages(listAllBelow, "", 13);
    expect(all).toEqual(await pages(listAllBelow, "", 10_000));
    expect(new Set(all).size).toBe(all.length);
    expect(all).toHaveLength(paths.length + many.length + 4 + 1 + 300 + 1500);
  });

  test("folders of a folder are named without reading what is in them", async () => {
    loads = 0;
    await listFolder(root, load, "", null, 100);
    expect(loads).toBeLessThan(12); // of 70
  });
});

test("who changed a file last is found among the nodes that commits do not share", async () => {
  let root: Node = await change(emptyTree, flat(2000));
  const history = [{ id: "c0", parentId: null as string | null, treeId: root.id, title: "0", createdAt: new Date(0) }];
  const commit = async (changes: readonly Change[]): Promise<void> => {
    root = await change(root, changes);
    const n = history.length;
    history.unshift({ id: `c${n}`, parentId: `c${n - 1}`, treeId: root.id, title: `${n}`, createdAt: new Date(n) });
  };
  await commit([add("data/5.txt", "x"), add("other/a", "1")]);
  await commit([add("data/6.txt", "x"), remove("data/7.txt")]);
  await commit([add("data/5.txt", "y")]);
  for (let i = 0; i < 40; i++) await commit([add("README.md", `${i}`)]);
  const last = async (paths: readonly string[]): Promise<Record<string, string>> =>
    Object.fromEntries([...(await findLastChanges(history, paths, load))].map(([path, { commit: id }]) => [path, id]));
  loads = 0;
  expect(await last(["data", "other", "README.md"])).toEqual({ data: "c3", other: "c1", "README.md": "c43" });
  expect(await last(["data/5.txt", "data/6.txt", "data/8.txt"])).toEqual({
    "data/5.txt": "c3",
    "data/6.txt": "c2",
    "data/8.txt": "c0",
  });
  expect(loads).toBeLessThan(800);
});

describe("what cannot lie side by side is refused", async () => {
  const root = await change(emptyTree, [...flat(500), add("README.md"), add("Unet/a.txt"), add("a/b")]);
  test.each([
    ["another spelling", [add("readme.MD")], "case"],
    ["a folder of a file's name", [add("readme.md/x")], "folder"],
    ["a file of a folder's name", [add("DATA")], "folder"],
    ["a folder in another spelling", [add("unet/b.txt")], "case"],
    ["a folder above in another spelling", [add("UNET/deep/er/b.txt")], "case"],
    ["two new ones", [add("new/x"), add("NEW")], "folder"],
    ["two spellings at once", [add("new"), add("NEW")], "case"],
  ])("%s", async (_what, changes, rule) => {
    await expect(changeTree(root, changes, load)).rejects.toMatchObject({ code: "bad_request", detail: { rule } });
  });

  test("a file may go and its name come back in other letters, in one commit", async () => {
    const after = await change(root, [add("readme.md"), remove("README.md"), add("A/c"), remove("a/b")]);
    expect(filesOf(after).map(({ path }) => path)).toEqual(expect.arrayContaining(["readme.md", "A/c"]));
    expect(after.files).toBe(root.files);
  });

  test("nothing is deleted that is not there", async () => {
    for (const path of ["nothing", "readme.md", "data", "data/500.txt"])
      await expect(changeTree(root, [remove(path)], load)).rejects.toMatchObject({ code: "file_not_found" });
  });
});
