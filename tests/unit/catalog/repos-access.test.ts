import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { requireRead } from "#lib/auth/access.ts";
import { type Actor, anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { createCommit, getCommit, listCommits } from "#lib/catalog/commits/service.ts";
import { treeQuery } from "#lib/catalog/files/schema.ts";
import { findFile, listTree } from "#lib/catalog/files/service.ts";
import { createRef, deleteRef, listRefs } from "#lib/catalog/refs/service.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { createRepo, deleteRepo, getRepo, listRepos, updateRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { newOrganisation, newPerson, tokenOf } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let actors: Record<string, Actor>;
let owner: Person;
/** For what reads, and for what must be refused and leave it as it is. */
let shared: Record<"public" | "private", { owner: string; repo: string }>;

beforeAll(async () => {
  owner = await newPerson("owner");
  const [stranger, reader, writer, operator] = [
    await newPerson("stranger"),
    await newPerson("reader"),
    await newPerson("writer"),
    await newPerson("operator", { isOperator: true }),
  ];
  await newOrganisation("lab", [
    [owner, "owner"],
    [reader, "reader"],
    [writer, "writer"],
  ]);
  actors = {
    anonymous,
    stranger,
    owner,
    reader,
    writer,
    operator,
    "token that may read": tokenOf(owner, "read"),
    "token that may write": tokenOf(owner, "read", "write"),
    "token that may nothing": tokenOf(owner),
    "operator's token that may nothing": tokenOf(operator),
    hub: theHub,
  };
  shared = { public: await newSubject("public"), private: await newSubject("private") };
});
afterAll(() => hub.close());

let count = 0;

/** A repo of the organisation with a commit and a tag. */
async function newSubject(visibility: "public" | "private"): Promise<{ owner: string; repo: string }> {
  const name = { owner: "lab", repo: `repo-${++count}-of-lab` };
  await createRepo(owner, { owner: "lab", name: name.repo, kind: "finetune", visibility });
  await createCommit(owner, name, { title: "First", operations: [{ op: "add", path: "a", content: "a" }] });
  await createRef(owner, name, { name: "v1", kind: "tag", revision: "HEAD" });
  return name;
}

const change = { title: "x", operations: [{ op: "add", path: "b", content: "b" }] } as const;

type Right = "read" | "write" | "administer";

/** Every function of these services that an actor calls, with the right that it needs. */
const functions: Record<
  string,
  readonly [right: Right, call: (actor: Actor, name: { owner: string; repo: string }) => Promise<unknown>]
> = {
  getRepo: ["read", getRepo],
  listCommits: ["read", (actor, name) => listCommits(actor, name, { revision: "HEAD", limit: 30 })],
  getCommit: ["read", (actor, name) => getCommit(actor, name, "v1")],
  listTree: ["read", (actor, name) => listTree(actor, name, treeQuery.parse({}))],
  listRefs: ["read", (actor, name) => listRefs(actor, name, { limit: 10 })],
  findFile: ["read", async (actor, name) => findFile(await requireRead(actor, name), "HEAD", "a")],
  createCommit: [
    "write",
    (actor, name) => createCommit(actor, name, { ...change, operations: [...change.operations] }),
  ],
  createRef: ["write", (actor, name) => createRef(actor, name, { name: "v2", kind: "tag", revision: "HEAD" })],
  deleteRef: ["write", (actor, name) => deleteRef(actor, name, "v1")],
  "updateRepo of its summary": ["write", (actor, name) => updateRepo(actor, name, { summary: "x" })],
  "updateRepo of its visibility": ["administer", (actor, name) => updateRepo(actor, name, { visibility: "private" })],
  deleteRepo: ["administer", deleteRepo],
};

const all: readonly Right[] = ["read", "write", "administer"];
/** What each may do with a private repo; a public one may be read by everybody. */
const rights: Record<string, readonly Right[]> = {
  anonymous: [],
  stranger: [],
  owner: all,
  reader: ["read"],
  writer: ["read", "write"],
  operator: all,
  "token that may read": ["read"],
  "token that may write": all,
  "token that may nothing": [],
  "operator's token that may nothing": [],
  hub: all,
};

describe.each(["public", "private"] as const)("with a %s repo", (visibility) => {
  describe.each(Object.keys(rights))("%s", (who) => {
    test.each(Object.entries(functions))("%s", async (_what, [right, call]) => {
      const mayRead = visibility === "public" || rights[who]!.includes("read");
      const expected =
        rights[who]!.includes(right) || (right === "read" && mayRead)
          ? "done"
          : mayRead
            ? "forbidden"
            : "repo_not_found";
      const name = right !== "read" && expected === "done" ? await newSubject(visibility) : shared[visibility];
      const became = await call(actors[who]!, name).then(
        () => "done",
        (cause: unknown) => (cause instanceof AppError ? cause.code : cause),
      );
      expect(became).toBe(expected);
      if (right !== "read" && expected !== "done") expect(await stateOf(name.repo)).toEqual(untouched(visibility));
    });

    test("listRepos", async () => {
      const { repo } = shared[visibility];
      const { items } = await listRepos(actors[who]!, repoQuery.parse({ q: repo, owner: "lab" }));
      // Words are found by how they begin: others of this file begin alike.
      expect(items.map(({ name }) => name).filter((name) => name === repo)).toEqual(
        visibility === "public" || rights[who]!.includes("read") ? [repo] : [],
      );
    });
  });
});

const stateOf = (name: string) =>
  database().repo.findFirst({
    where: { name },
    select: { visibility: true, summary: true, deletedAt: true, _count: { select: { commits: true, refs: true } } },
  });
const untouched = (visibility: string) => ({
  visibility,
  summary: "",
  deletedAt: null,
  _count: { commits: 1, refs: 2 },
});

describe("createRepo", () => {
  const mayCreate: Record<string, boolean> = {
    owner: true,
    writer: true,
    operator: true,
    "token that may write": true,
    hub: true,
  };
  test.each(Object.keys(rights))("%s in the organisation", async (who) => {
    const made = await createRepo(actors[who]!, {
      owner: "lab",
      name: `made-${++count}`,
      kind: "guide",
      visibility: "private",
    }).then(
      () => "done",
      (cause: unknown) => (cause instanceof AppError ? cause.code : cause),
    );
    expect(made).toBe(mayCreate[who] ? "done" : "forbidden");
  });

  test.each(Object.keys(rights))("%s in the name of a person", async (who) => {
    const made = await createRepo(actors[who]!, {
      owner: "stranger",
      name: `made-${++count}`,
      kind: "guide",
      visibility: "private",
    }).then(
      () => "done",
      (cause: unknown) => (cause instanceof AppError ? cause.code : cause),
    );
    expect(made).toBe(["stranger", "operator", "hub"].includes(who) ? "done" : "forbidden");
  });
});
