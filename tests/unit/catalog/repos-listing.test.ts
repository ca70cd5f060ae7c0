import pg from "pg";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Actor } from "#lib/auth/actor.ts";
import { anonymous, hub as theHub } from "#lib/auth/actor.ts";
import { isVisible, visibleTo } from "#lib/auth/access.ts";
import { keepCounts } from "#lib/catalog/repos/keep-counts.ts";
import { type Facets, MAX_COUNTED, repoQuery, type RepoItem, type RepoList } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { makeNode, toFileEntry } from "#lib/catalog/trees/node.ts";
import { insertNodes } from "#lib/catalog/trees/repository.ts";
import { database } from "#lib/db/client.ts";
import { manyRepos } from "../../support/many-repos.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const COUNT = 1_200; // more than a facet counts, for who sees all of them; less for the others
const hub = await useTempHub();
const ann: Actor = {
  kind: "person",
  userId: "ann",
  name: "ann",
  isOperator: false,
  scopes: new Set(["read"]),
  tokenId: null,
};

beforeAll(async () => {
  const client = new pg.Client({ connectionString: hub.database.url });
  await client.connect();
  await client.query(manyRepos(COUNT));
  await client.end();
});

afterAll(() => hub.close());

const list = (actor: Actor, query: Record<string, string | number> = {}): Promise<RepoList> =>
  listRepos(actor, repoQuery.parse(query));

async function everything(actor: Actor, query: Record<string, string | number>): Promise<RepoItem[]> {
  const items: RepoItem[] = [];
  for (let cursor: string | null = ""; cursor !== null;) {
    const page: RepoList = await list(actor, { ...query, limit: 100, ...(cursor && { cursor }) });
    items.push(...page.items);
    cursor = page.next;
  }
  return items;
}

describe("pages, one after another, are the whole list in its order", () => {
  const key = {
    updated: (item: RepoItem) => item.updatedAt,
    created: (item: RepoItem) => item.createdAt,
    downloads: (item: RepoItem) => String(item.downloads).padStart(8, "0"),
    name: (item: RepoItem) => item.name,
  };
  test.each(["updated", "created", "downloads", "name"] as const)("%s", async (sort) => {
    const items = await everything(anonymous, { sort, kind: "guide" });
    expect(items).toHaveLength(120);
    expect(new Set(items.map(({ id }) => id)).size).toBe(120);
    const keys = items.map(key[sort]);
    expect(keys).toEqual(sort === "name" ? keys.toSorted() : keys.toSorted().toReversed());
  });
});

test("a list holds what a repo says, what was found in it, and its base", async () => {
  const { items } = await list(anonymous, { q: "finetune-77", sort: "name", limit: 1 });
  expect(items[0]).toMatchObject({
    owner: "org27",
    name: "finetune-77",
    kind: "finetune",
    visibility: "public",
    base: "org0/base-0",
    license: "mit",
    contract: "sd-v1-eps-768",
    facts: { kind: "finetune", parameters: 8_800_077 },
    headCommit: expect.stringMatching(/^[0-9a-f]{40}$/) as string,
  });
});

describe("filters", () => {
  const planned = Array.from({ length: COUNT }, (_, n) => ({
    n,
    name: `${n % 100 === 0 ? "base" : n % 10 === 1 ? "guide" : "finetune"}-${n}`,
    license: ["apache-2.0", "mit", "openrail", null][n % 4],
  }));
  test.each<[Record<string, string>, (repo: (typeof planned)[number]) => boolean]>([
    [{ kind: "base" }, ({ n }) => n % 100 === 0],
    [{ base: "org0/base-100" }, ({ n }) => n > 100 && n < 200],
    [{ base: "ORG0/BASE-100", kind: "guide" }, ({ n }) => n > 100 && n < 200 && n % 10 === 1],
    [{ owner: "ORG7" }, ({ n }) => n % 50 === 7],
    [{ owner: "org3" }, () => false], // all of it is private
    [{ owner: "nobody" }, () => false],
    [{ license: "mit" }, ({ license }) => license === "mit"],
    [{ tag: "style-7" }, ({ n }) => n % 40 === 7],
    [{ tag: "style-7", license: "openrail" }, () => false],
    [{ q: "FINETUNE-77" }, ({ name }) => name.startsWith("finetune-77")],
    [{ q: "org7/finetune" }, ({ n, name }) => n % 50 === 7 && name.startsWith("finetune")],
    [{ q: " number  77 style " }, ({ n }) => String(n).startsWith("77")], // the beginning of a word
    [{ q: "777" }, ({ n }) => String(n).includes("777")], // within a name, from three letters on
    [{ q: "STYLE-7 7" }, ({ n }) => String(n).startsWith("7") || n % 40 === 7],
    [{ q: "etune-77" }, ({ name }) => name.startsWith("finetune-77")],
    [{ q: "100%" }, ({ n }) => String(n).startsWith("100")],
    [{ q: "finetune_77" }, ({ name }) => name.startsWith("finetune-77")],
    [{ q: "org7'&!(:*) | finetune" }, ({ n, name }) => n % 50 === 7 && name.startsWith("finetune")],
    [{ q: "\\" }, () => false],
    [{ q: "“”" }, () => false],
  ])("%j", async (query, isMeant) => {
    const names = (await everything(anonymous, { ...query, sort: "created" })).map(({ name }) => name);
    expect(names).toEqual(planned.filter((repo) => repo.n % 5 !== 3 && isMeant(repo)).map(({ name }) => name));
  });

  test("a base that may not be seen cannot be asked for", async () => {
    await database().$executeRaw`UPDATE repo SET visibility = 'private' WHERE name = 'base-200'`;
    await expect(list(anonymous, { base: "org0/base-200" })).rejects.toMatchObject({ code: "repo_not_found" });
    expect((await list(ann, { base: "org0/base-200" })).items).toHaveLength(30);
    const [derived] = (await list(anonymous, { q: "finetune-202", sort: "name" })).items;
    expect(derived).toMatchObject({ name: "finetune-202", base: null });
    expect((await list(anonymous, { facets: "true" })).facets!.base.map(({ value }) => value)).not.toContain(
      "org0/base-200",
    );
    await database().$executeRaw`UPDATE repo SET visibility = 'public' WHERE name = 'base-200'`;
  });
});

describe("who sees what", () => {
  test.each([
    ["anonymous", anonymous, 960],
    ["a member of org0", ann, 960], // org0 has nothing private: 3, 8, 13 … are
    ["her token without the scope read", { ...ann, scopes: new Set() } as Actor, 960],
    ["an operator", { ...ann, isOperator: true } as Actor, COUNT],
    ["the hub", theHub, COUNT],
  ])("%s", async (_who, actor, count) => {
    await keepCounts();
    const { facets } = await list(actor, { facets: "true" });
    const sum = (of: "kind" | "measured") => facets![of].reduce((all, { count: each }) => all + each, 0);
    expect([sum("kind"), sum("measured")]).toEqual([count, count]);
    expect(facets!.measured.every(({ atLeast }) => atLeast === undefined)).toBe(true);
    expect(await database().repo.count({ where: visibleTo(actor) })).toBe(count);
  });

  test("the condition for SQL and the one for Prisma let the same through", async () => {
    await database()
      .$executeRaw`INSERT INTO member (namespace_id, user_id, role) SELECT id, 'ann', 'reader' FROM namespace WHERE name IN ('org3', 'org8')`;
    await database().$executeRaw`UPDATE repo SET deleted_at = now() WHERE name LIKE '%-5_'`;
    for (const actor of [anonymous, ann, { ...ann, scopes: new Set<never>() }, { ...ann, isOperator: true }, theHub]) {
      const bySql = await database().$queryRaw<
        { id: string }[]
      >`SELECT id FROM repo r WHERE ${isVisible(actor, "r")} ORDER BY id`;
      const byPrisma = await database().repo.findMany({
        where: visibleTo(actor),
        select: { id: true },
        orderBy: { id: "asc" },
      });
      expect(bySql).toEqual(byPrisma);
    }
    expect((await list(ann, { owner: "org3" })).items).toHaveLength(23);
    await database().$executeRaw`UPDATE repo SET deleted_at = NULL`;
  });
});

describe("facets", () => {
  test("count as if nothing were chosen from themselves", async () => {
    const { facets } = await list(anonymous, { facets: "true", kind: "guide", license: "mit" });
    expect(facets!.kind).toEqual([
      { value: "finetune", count: 180 },
      { value: "guide", count: 60 },
    ]);
    expect(facets!.license).toEqual([{ value: "mit", count: 60 }]); // no other guide has a licence
    expect(facets!.base).toHaveLength(12);
    expect(facets!.measured.reduce((sum, { count }) => sum + count, 0)).toBe(60);
  });

  test("of more than are looked at there are at least so many where words are chosen, and while nobody keeps the counts", async () => {
    await database().$executeRaw`UPDATE repo SET visibility = 'public'`;
    await keepCounts();
    const exact = (await list(anonymous, { facets: "true" })).facets!;
    expect(exact.kind).toEqual([
      { value: "finetune", count: 1068 },
      { value: "guide", count: 120 },
      { value: "base", count: 12 },
    ]);
    const isBounded = async (facets: Facets): Promise<void> => {
      expect(facets.kind.reduce((sum, { count }) => sum + count, 0)).toBe(MAX_COUNTED);
      expect(facets.license.reduce((sum, { count }) => sum + count, 0)).toBeLessThanOrEqual(MAX_COUNTED);
      for (const { value, count, atLeast } of facets.license) {
        expect(atLeast).toBe(true);
        expect((await everything(anonymous, { license: value })).length).toBeGreaterThanOrEqual(count);
      }
    };
    await isBounded((await list(anonymous, { facets: "true", q: "style" })).facets!);
    const [{ id }] = await database().$queryRaw<
      [{ id: bigint }]
    >`INSERT INTO facet_due (at, repo_id) SELECT now() - interval '61 seconds', id FROM repo LIMIT 1 RETURNING id`;
    await isBounded((await list(anonymous, { facets: "true" })).facets!);
    await database().$executeRaw`UPDATE facet_due SET at = now() - interval '50 seconds' WHERE id = ${id}`;
    expect((await list(anonymous, { facets: "true" })).facets).toEqual(exact);
    await keepCounts();
    await database()
      .$executeRaw`UPDATE repo SET visibility = 'private' WHERE substring(name FROM '\\d+$')::int % 5 = 3`;
    await keepCounts();
  });

  test("the measured state is the best verdict that both sides' viewers may see", async () => {
    const before = Object.fromEntries(
      (await list(anonymous, { facets: "true", kind: "finetune" })).facets!.measured.map(({ value, count }) => [
        value,
        count,
      ]),
    );
    expect(Object.keys(before).toSorted()).toEqual(["incompatible", "notMeasured", "usableWithLimits", "verified"]);
    // Hide every guide: no verdict is left to see.
    await database().$executeRaw`UPDATE repo SET visibility = 'private' WHERE kind = 'guide'`;
    expect((await list(anonymous, { facets: "true", kind: "finetune" })).facets!.measured).toEqual([
      { value: "notMeasured", count: 828 },
    ]);
    await database().$executeRaw`UPDATE repo SET visibility = 'public' WHERE kind = 'guide'`;
  });
});

test("choosing a value of a facet lists exactly as many as it counted", async () => {
  const { facets } = await list(anonymous, { facets: "true" });
  expect(facets!.size).toEqual([{ value: "under 10 MB", count: 960 }]);
  const filters = (["kind", "base", "license", "size", "measured"] as const).flatMap((facet) =>
    facets![facet].slice(0, 4).map(({ value, count }) => ({ facet, value, count })),
  );
  expect(filters.length).toBeGreaterThan(12);
  for (const { facet, value, count } of filters) {
    let listed = 0;
    let cursor: string | null = "";
    for (; cursor !== null && listed < 500;) {
      const page: Awaited<ReturnType<typeof list>> = await list(anonymous, {
        [facet]: value,
        limit: "100",
        sort: "name",
        ...(cursor && { cursor }),
      });
      listed += page.items.length;
      cursor = page.next;
    }
    expect({ facet, value, listed }).toEqual({ facet, value, listed: cursor === null ? count : 500 });
    const counted = (await list(anonymous, { [facet]: value, facets: "true" })).facets!;
    expect({
      facet,
      value,
      total: counted[facet === "kind" ? "measured" : "kind"].reduce((sum, each) => sum + each.count, 0),
    }).toEqual({ facet, value, total: count });
  }
});

test("sizes are told apart at their bounds, by the newest commit, and count and filter agree whatever else is chosen", async () => {
  const given = [
    ["finetune-102", 9_999_999],
    ["finetune-104", 10_000_000],
    ["guide-101", 100_000_000],
    ["finetune-105", 999_999_999],
    ["finetune-106", 1_000_000_000],
    ["finetune-107", 20_000_000_000],
  ] as const;
  for (const [at, [name, size]] of given.entries()) {
    const [sha256, commit] = [String(at).repeat(64), String(at).repeat(40)];
    const root = makeNode(0, [toFileEntry({ path: "model.safetensors", sha256, size, lfs: true })]);
    await database().$transaction(async (transaction) => {
      await transaction.$executeRaw`INSERT INTO blob (sha256, size, storage_key, git_sha1, verified_at) VALUES (${sha256}, ${size}, ${sha256}, ${commit}, now())`;
      await transaction.$executeRaw`INSERT INTO commit (id, repo_id, sequence, title, tree_id, file_count, size) SELECT ${commit}, id, 2, 'Larger', ${root.id}, 1, ${size} FROM repo WHERE name = ${name}`;
      await transaction.$executeRaw`INSERT INTO repo_blob (repo_id, blob_sha256, size, commit_id) SELECT id, ${sha256}, ${size}, ${commit} FROM repo WHERE name = ${name}`;
      await insertNodes(transaction, (await transaction.repo.findFirstOrThrow({ where: { name } })).id, [root]);
      await transaction.$executeRaw`UPDATE ref SET commit_id = ${commit}, version = version + 1 WHERE repo_id = (SELECT id FROM repo WHERE name = ${name})`;
    });
  }
  const base = "org0/base-100";
  const sizesOf = async (query: Record<string, string>) =>
    (await list(anonymous, { ...query, base, facets: "true" })).facets!.size;
  const counted = Object.fromEntries((await sizesOf({})).map(({ value, count }) => [value, count]));
  expect(counted).toEqual({
    "under 10 MB": 74,
    "10 to 100 MB": 1,
    "100 MB to 1 GB": 2,
    "1 to 10 GB": 1,
    "over 10 GB": 1,
  });
  for (const more of [
    {},
    { kind: "guide" },
    { kind: "finetune", license: "mit" },
    { measured: "notMeasured" },
    { size: "over 10 GB" },
  ] as Record<string, string>[]) {
    for (const { value, count } of await sizesOf(more))
      expect({
        more,
        value,
        count: (await list(anonymous, { ...more, base, size: value, limit: 100 })).items.length,
      }).toEqual({ more, value, count });
  }
  expect((await list(anonymous, { base, size: "100 MB to 1 GB", sort: "name" })).items.map(({ name }) => name)).toEqual(
    ["finetune-105", "guide-101"],
  );
});

describe("a cursor that is none", () => {
  const other = async (): Promise<string> => (await list(anonymous, { sort: "name" })).next!;
  test.each([
    ["words", () => "hello"],
    ["of another order", other],
    [
      "with more in it",
      () => Buffer.from(JSON.stringify(["updated", "2026-01-01", "x' OR 1=1"])).toString("base64url"),
    ],
    [
      "with a date that is none",
      () =>
        Buffer.from(JSON.stringify(["updated", "yesterday", "00000000-0000-7000-8000-000000000001"])).toString(
          "base64url",
        ),
    ],
    [
      "with a text for a number",
      () =>
        Buffer.from(JSON.stringify(["downloads", "many", "00000000-0000-7000-8000-000000000001"])).toString(
          "base64url",
        ),
    ],
  ])("%s is refused", async (_what, cursor) => {
    const text = await cursor();
    await expect(
      list(anonymous, { cursor: text, sort: text.startsWith("WyJkb") ? "downloads" : "updated" }),
    ).rejects.toMatchObject({ code: "bad_request" });
  });
});
