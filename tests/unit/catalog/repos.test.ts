import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Actor, anonymous, type Person } from "#lib/auth/actor.ts";
import type { NewCommit } from "#lib/catalog/commits/schema.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { namespaceQuery } from "#lib/catalog/namespaces/schema.ts";
import { listNamespaces } from "#lib/catalog/namespaces/service.ts";
import { createRef } from "#lib/catalog/refs/service.ts";
import { newRepo, type NewRepo, repoChange } from "#lib/catalog/repos/schema.ts";
import { createRepo, deleteRepo, getRepo, listRepos, listWritable, updateRepo } from "#lib/catalog/repos/service.ts";
import { repoQuery, sorts } from "#lib/catalog/repos/schema.ts";
import { database } from "#lib/db/client.ts";
import { newOrganisation, newPerson } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let ann: Person;
let bob: Person;
let count = 0;
let name: { owner: string; repo: string };

beforeAll(async () => {
  ann = await newPerson("ann");
  bob = await newPerson("bob");
  await newOrganisation("Lab", [
    [ann, "writer"],
    [bob, "owner"],
  ]);
  await make({ owner: "Lab", name: "storybook", kind: "base" }, bob);
  await make({ owner: "bob", name: "secret", kind: "base", visibility: "private" }, bob);
});
beforeEach(() => void (name = { owner: "ann", repo: `model-${++count}` }));
afterAll(() => hub.close());

const make = (more: Partial<NewRepo> = {}, actor: Person = ann) =>
  createRepo(
    actor,
    newRepo.parse({ owner: "ann", name: name?.repo ?? "first", kind: "finetune", visibility: "public", ...more }),
  );
const readme = (content: string, more: Partial<NewCommit> = {}) =>
  createCommit(ann, name, { title: "Card", operations: [{ op: "add", path: "README.md", content }], ...more });

describe("a new repo", () => {
  test("is empty and says what it was told", async () => {
    const repo = await make({ base: "lab/STORYBOOK", license: "mit", summary: "Draws", tags: ["a", "b", "a"] });
    expect(repo).toMatchObject({
      owner: "ann",
      name: name.repo,
      kind: "finetune",
      base: "Lab/storybook",
      license: "mit",
      summary: "Draws",
      tags: ["a", "b"],
      downloads: 0,
      headCommit: null,
      contract: null,
      facts: null,
    });
    expect(await getRepo(anonymous, name)).toEqual({
      ...repo,
      defaultBranch: "main",
      card: null,
      refs: [],
      head: null,
      usage: { files: 0, bytes: 0, downloadsLastMonth: 0 },
    });
    expect(await getRepo(anonymous, { owner: "ANN", repo: name.repo.toUpperCase() })).toMatchObject({ id: repo.id });
  });

  test("has a name that is free: taken names are told, with the address", async () => {
    await make();
    await expect(make({ name: name.repo.toUpperCase() })).rejects.toMatchObject({
      code: "conflict",
      detail: { url: `http://localhost:3000/ann/${name.repo}` },
    });
    const ended = await Promise.allSettled(Array.from({ length: 8 }, () => make({ name: "race" })));
    expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
    for (const each of ended) if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "conflict" });
  });

  test("that takes a name of what its maker may not read is not told where it is", async () => {
    await make({ visibility: "private" });
    const writeOnly: Person = { ...ann, scopes: new Set(["write"]), tokenId: "t" };
    await expect(make({}, writeOnly)).rejects.toMatchObject({ code: "conflict", detail: {} });
  });

  test.each([
    ["in the name of another", { owner: "bob" }, "forbidden"],
    ["of nobody", { owner: "nobody" }, "not_found"],
    ["with a base that is none", { base: "ann/first" }, "repo_not_found"],
    ["with a base that may not be seen", { base: "bob/secret" }, "repo_not_found"],
    ["that is a base with a base", { kind: "base", base: "Lab/storybook" }, "bad_request"],
  ] as [string, Partial<NewRepo>, string][])("%s is refused", async (_what, more, code) => {
    await expect(make(more)).rejects.toMatchObject({ code });
    expect(await database().repo.count({ where: { name: name.repo } })).toBe(0);
  });

  test("whose base is not a base is refused", async () => {
    await make({ kind: "guide" });
    await expect(make({ name: `${name.repo}-b`, base: `ann/${name.repo}` })).rejects.toThrow(
      `ann/${name.repo} is a guide, not a base; name the base that it was made from.`,
    );
  });

  test.each(["", "-a", "a-", "a--b", "a..b", "a b", "a/b", ".a", "x.git", "ä", "a\0", "x".repeat(97)])(
    "is not named %j",
    (bad) =>
      expect(newRepo.safeParse({ owner: "ann", name: bad, kind: "base", visibility: "public" }).success).toBe(false),
  );
  test.each([
    { extra: 1 },
    { kind: "dataset" },
    { visibility: "secret" },
    { summary: "a\nb" },
    { license: "a\u202eb" },
    { tags: ["a\0"] },
    { tags: [""] },
    { tags: Array.from({ length: 101 }, (_, i) => `t${i}`) },
    { base: "nobase" },
    { id: "x" },
  ])("is not described as %j", (bad) =>
    expect(newRepo.safeParse({ owner: "ann", name: "x", kind: "base", visibility: "public", ...bad }).success).toBe(
      false,
    ),
  );
});

describe("what is said of a repo", () => {
  test("is changed where it is named, and stays elsewhere", async () => {
    await make({ license: "mit", summary: "Draws", tags: ["a"] });
    expect(await updateRepo(ann, name, repoChange.parse({ summary: "Paints", base: "Lab/storybook" }))).toMatchObject({
      summary: "Paints",
      base: "Lab/storybook",
      license: "mit",
      tags: ["a"],
      visibility: "public",
    });
    expect(await updateRepo(ann, name, { base: null, license: null, tags: [] })).toMatchObject({
      summary: "Paints",
      base: null,
      license: null,
      tags: [],
    });
    expect(
      (await database().outbox.findFirst({ where: { kind: "repo.update" }, orderBy: { id: "desc" } }))!.detail,
    ).toEqual({ changed: ["baseId", "license", "tags"] });
  });

  test("who may see it is for owners", async () => {
    await make({ owner: "Lab" });
    const labs = { owner: "Lab", repo: name.repo };
    await expect(updateRepo(ann, labs, { visibility: "private" })).rejects.toMatchObject({ code: "forbidden" });
    expect(await updateRepo(ann, labs, { summary: "mine too" })).toMatchObject({ summary: "mine too" });
    expect(await updateRepo(bob, labs, { visibility: "private" })).toMatchObject({ visibility: "private" });
    await expect(getRepo(anonymous, labs)).rejects.toMatchObject({ code: "repo_not_found" });
  });

  test("a base that becomes private is named to nobody else any more", async () => {
    await make({ owner: "bob", name: "b", kind: "base" }, bob);
    await make({ base: "bob/b" });
    expect(await getRepo(anonymous, name)).toMatchObject({ base: "bob/b" });
    await updateRepo(bob, { owner: "bob", repo: "b" }, { visibility: "private" });
    expect(await getRepo(anonymous, name)).toMatchObject({ base: null });
    expect(await getRepo(ann, name)).toMatchObject({ base: null });
    await updateRepo(ann, name, { summary: "still made for it" });
    await updateRepo(bob, { owner: "bob", repo: "b" }, { visibility: "public" });
    expect(await getRepo(ann, name)).toMatchObject({ base: "bob/b" });
  });
});

test("a repo answers by its name at once, and is listed from its first commit on", async () => {
  const owner = "fresh";
  const cat = await newPerson(owner);
  name = { owner, repo: "empty" };
  await make({ owner, name: "empty" }, cat);
  const lists = async (actor: Actor): Promise<number[]> => {
    const mine = await listRepos(actor, repoQuery.parse({ owner, facets: "true" }));
    const others = await Promise.all(
      [{ q: "empty" }, ...sorts.map((sort) => ({ sort, limit: "100" }))].map((query) =>
        listRepos(actor, repoQuery.parse(query)),
      ),
    );
    const namespaces = await listNamespaces(actor, namespaceQuery.parse({ limit: "100" }));
    return [
      mine.items.length,
      mine.facets!.kind.reduce((sum, { count }) => sum + count, 0),
      ...others.map(({ items }) => items.filter((item) => item.owner === owner).length),
      namespaces.items.filter((item) => item.name === owner).length,
    ];
  };
  for (const actor of [anonymous, ann]) expect(await lists(actor)).toEqual(Array(8).fill(0));
  expect(await lists(cat)).toEqual([...Array(7).fill(0), 1]); // oneself, who is always there
  expect(await getRepo(anonymous, name)).toMatchObject({ name: "empty", head: null });
  expect(await listWritable(cat, [owner, "lab"])).toEqual([{ name: "fresh/empty", kind: "finetune" }]);
  expect(await listWritable(ann, [owner])).toEqual([]);

  await createCommit(cat, name, { title: "Card", operations: [{ op: "add", path: "README.md", content: "# Hi" }] });
  for (const actor of [anonymous, ann, cat]) expect(await lists(actor)).toEqual(Array(8).fill(1));
});

test("a deleted repo is gone at once, its name is free, and its rows stay for the grace", async () => {
  const { id } = await make();
  await readme("# Hi");
  await expect(deleteRepo(bob, name)).rejects.toMatchObject({ code: "forbidden" });
  await deleteRepo(ann, name);
  await expect(getRepo(ann, name)).rejects.toMatchObject({ code: "repo_not_found" });
  await expect(deleteRepo(ann, name)).rejects.toMatchObject({ code: "repo_not_found" });
  expect((await listRepos(ann, repoQuery.parse({ q: name.repo }))).items).toEqual([]);
  const again = await make();
  expect(again.id).not.toBe(id);
  expect(await database().commit.count({ where: { repoId: id } })).toBe(1);
});

describe("the card", () => {
  const front = (yaml: string, text = "\nA model of mine.\n") => `---\n${yaml}\n---\n${text}`;

  test("of the default branch says what the repo is, in the commit that brings it", async () => {
    await make({ license: "other", tags: ["old"] });
    const { id } = await readme(front("license: mit\ntags: [a, b]\nbase_model: Lab/storybook\nown: {x: [1, 2]}"));
    expect(await getRepo(anonymous, name)).toMatchObject({
      license: "mit",
      tags: ["a", "b"],
      base: "Lab/storybook",
      summary: "A model of mine.",
      headCommit: id,
      head: { id, files: 1, author: "ann" },
      card: {
        frontMatter: { license: "mit", own: { x: [1, 2] } },
        text: "\nA model of mine.\n",
        isCut: false,
        warnings: [],
      },
      refs: [{ name: "main", kind: "branch", commit: id }],
      usage: { files: 1 },
    });
  });

  test("takes back what it said before, and leaves what others said", async () => {
    await make({ license: "other", base: "Lab/storybook" });
    await readme(front("tags: [a]"));
    expect(await getRepo(ann, name)).toMatchObject({ license: "other", tags: ["a"], base: "Lab/storybook" });
    await readme(front("license: mit\nbase_model: Lab/storybook"));
    expect(await getRepo(ann, name)).toMatchObject({ license: "mit", tags: [], base: "Lab/storybook" });
    await createCommit(ann, name, {
      title: "No card",
      operations: [
        { op: "delete", path: "README.md" },
        { op: "add", path: "x", content: "" },
      ],
    });
    expect(await getRepo(ann, name)).toMatchObject({
      license: null,
      base: null,
      summary: "A model of mine.",
      card: null,
    });
  });

  test("on another branch changes nothing", async () => {
    await make({ license: "mit" });
    await readme("# Hi");
    await createRef(ann, name, { name: "next", kind: "branch", revision: "HEAD" });
    await readme(front("license: other"), { branch: "next" });
    expect(await getRepo(ann, name)).toMatchObject({ license: "mit", card: { text: "# Hi" } });
  });

  test("may be copied from another commit", async () => {
    await make();
    const first = await readme(front("license: mit"));
    await readme(front("license: other"));
    await createCommit(ann, name, {
      title: "Back",
      operations: [{ op: "copy", path: "README.md", from: { revision: first.id, path: "README.md" } }],
    });
    expect(await getRepo(ann, name)).toMatchObject({ license: "mit" });
  });

  test.each([
    ["is not there", "ann/nothing"],
    ["may not be seen", "bob/secret"],
    ["is no name", "../../etc/passwd"],
  ])("names a base that %s: the commit is made without it", async (_what, base) => {
    await make();
    await readme(front(`base_model: ${base}`));
    expect(await getRepo(ann, name)).toMatchObject({ base: null, card: { frontMatter: { base_model: base } } });
  });

  test("of a base names none", async () => {
    await make({ kind: "base" });
    await readme(front("base_model: Lab/storybook"));
    expect(await getRepo(ann, name)).toMatchObject({ base: null });
  });

  test.each([
    ["broken", "---\na: [\n---\nHi", /cannot be used/],
    ["with NUL in its front matter", '---\nlicense: "a\\0b"\ntags: ["\\0"]\n---\nHi\0', null],
    ["that hides and turns", '---\nlicense: "m\\u202eit"\nsummary: "a\\u200bb"\n---\nHi', null],
    ["nested thirty thousand deep", `---\na: ${"[".repeat(30_000)}\n---\nHi`, /cannot be used/],
    ["of nothing", "", null],
  ])("%s does not fail its commit", async (_what, content, warning) => {
    await make();
    await readme(content);
    const { card, license, summary } = await getRepo(ann, name);
    expect(card!.warnings).toEqual(warning ? [expect.stringMatching(warning)] : []);
    expect(`${license}${summary}`).not.toMatch(/[\p{Cc}\p{Cf}]/u);
  });

  test("of a thousand kilobytes is shown in part", async () => {
    await make();
    await readme("x".repeat(1_000_000));
    expect((await getRepo(ann, name)).card).toMatchObject({ isCut: true, text: "x".repeat(256 * 1024) });
  });
});
