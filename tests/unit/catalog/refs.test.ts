import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireRead } from "#lib/auth/access.ts";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { createRef, deleteRef, listRefs } from "#lib/catalog/refs/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { newPerson } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const name = { owner: "ann", repo: "model" };
let ann: Person;
const commits: string[] = [];

beforeAll(async () => {
  ann = await newPerson("ann");
  await createRepo(ann, { owner: "ann", name: "model", kind: "finetune", visibility: "public" });
  for (const content of ["1", "2", "3"])
    commits.push(
      (await createCommit(ann, name, { title: content, operations: [{ op: "add", path: "a", content }] })).id,
    );
});
afterAll(() => hub.close());

const make = (refName: string, kind: "branch" | "tag" = "tag", revision = "HEAD") =>
  createRef(ann, name, { name: refName, kind, revision });
const resolve = async (revision: string): Promise<string> =>
  (await resolveRevision(await requireRead(ann, name), revision)).commitId;

test("branches and tags are made at a revision, listed and deleted", async () => {
  expect(await make("v1", "tag", commits[0]!.slice(0, 7))).toMatchObject({
    name: "v1",
    kind: "tag",
    commit: commits[0],
  });
  await make("next/a", "branch");
  const expected = [
    ["main", "branch", commits[2]],
    ["next/a", "branch", commits[2]],
    ["v1", "tag", commits[0]],
  ];
  const listed: unknown[] = [];
  for (let cursor: string | undefined | null; cursor !== null;) {
    const page = await listRefs(ann, name, { limit: 1, ...(cursor !== undefined && { cursor }) });
    listed.push(...page.items.map(({ name: ref, kind, commit }) => [ref, kind, commit]));
    cursor = page.next;
  }
  expect(listed).toEqual(expected);
  await deleteRef(ann, name, "next/a");
  expect((await listRefs(ann, name, { limit: 1000 })).items.map(({ name: ref }) => ref)).toEqual(["main", "v1"]);
  await expect(deleteRef(ann, name, "next/a")).rejects.toMatchObject({ code: "revision_not_found" });
  await expect(deleteRef(ann, name, "main")).rejects.toMatchObject({ code: "conflict" });
  expect(
    (await database().outbox.findMany({ where: { kind: { startsWith: "ref." } }, select: { kind: true } })).map(
      ({ kind }) => kind,
    ),
  ).toEqual(["ref.create", "ref.create", "ref.delete"]);
});

test("a name is taken once, by a branch or a tag, also by eight at once", async () => {
  const ended = await Promise.allSettled(
    Array.from({ length: 8 }, (_, i) => make("once", i % 2 === 0 ? "tag" : "branch")),
  );
  expect(ended.filter(({ status }) => status === "fulfilled")).toHaveLength(1);
  for (const each of ended) if (each.status === "rejected") expect(each.reason).toMatchObject({ code: "conflict" });
});

test("a repo has a thousand at most", async () => {
  const repo = await createRepo(ann, { owner: "ann", name: "full", kind: "guide", visibility: "public" });
  const { id } = await createCommit(
    ann,
    { owner: "ann", repo: "full" },
    { title: "x", operations: [{ op: "add", path: "a", content: "a" }] },
  );
  await database().ref.createMany({
    data: Array.from({ length: 999 }, (_, i) => ({
      repoId: repo.id,
      name: `t${i}`,
      kind: "tag" as const,
      commitId: id,
    })),
  });
  await expect(
    createRef(ann, { owner: "ann", repo: "full" }, { name: "more", kind: "tag", revision: "HEAD" }),
  ).rejects.toMatchObject({ code: "conflict", detail: { limit: 1000 } });
});

test.each([
  "a b",
  "-x",
  "/x",
  "x/",
  "a//b",
  "a..b",
  "a~1",
  "x.lock",
  "x.",
  "a\nb",
  "a:b",
  "@{",
  "*",
  "0".repeat(40),
  "HEAD",
  "head",
  "@",
  "FETCH_HEAD",
  "refs/heads/x",
  "Refs/pr/1",
  "é".repeat(200),
])("%j is refused as a name", async (ref) => {
  await expect(make(ref)).rejects.toMatchObject({ code: "bad_request" });
});

describe("a revision", () => {
  test.each(["main", "HEAD", () => commits[2]!, () => commits[2]!.slice(0, 7), () => commits[2]!.slice(0, 39)])(
    "%s is found",
    async (revision) => {
      expect(await resolve(typeof revision === "string" ? revision : revision())).toBe(commits[2]);
    },
  );

  test.each([
    ["nothing", "zzz"],
    ["six digits", () => commits[2]!.slice(0, 6)],
    ["capital digits", () => commits[2]!.slice(0, 39).toUpperCase()], // of ten digits one id in a hundred has no letter
    ["a pattern", "%"],
    ["NUL", "ma\0in"],
    ["no text", ""],
    ["the path of a ref", "refs/heads/main"],
  ])("%s is not", async (_what, revision) => {
    await expect(resolve(typeof revision === "string" ? revision : revision())).rejects.toMatchObject({
      code: "revision_not_found",
    });
  });

  test("that begins two commits says so", async () => {
    const { id } = (await database().repo.findFirst({ where: { name: "model" }, select: { id: true } }))!;
    const { treeId, fileCount, size } = await database().commit.findUniqueOrThrow({ where: { id: commits[0]! } });
    for (const [digit, sequence] of [
      ["1", 10],
      ["2", 11],
    ] as const)
      await database().commit.create({
        data: { id: `abcdef0${digit.repeat(33)}`, repoId: id, sequence, title: "x", treeId, fileCount, size },
      });
    await expect(resolve("abcdef0")).rejects.toThrow(
      "Several commits of ann/model begin with abcdef0; give more digits.",
    );
    expect(await resolve("abcdef01")).toBe(`abcdef0${"1".repeat(33)}`);
    await expect(make("abcdef0", "tag", commits[0])).rejects.toThrow("it could be the beginning of a commit's id");
    // One that was made before that was refused is still found, before the beginning of an id.
    await database().ref.create({ data: { repoId: id, name: "abcdef0", kind: "tag", commitId: commits[0]! } });
    expect(await resolve("abcdef0")).toBe(commits[0]);
    await deleteRef(ann, name, "abcdef0");
  });

  test("of an empty repo has nothing to name", async () => {
    await createRepo(ann, { owner: "ann", name: "empty", kind: "guide", visibility: "private" });
    await expect(resolveRevision(await requireRead(ann, { owner: "ann", repo: "empty" }), "HEAD")).rejects.toThrow(
      "ann/empty has no commits yet; upload something first.",
    );
  });
});
