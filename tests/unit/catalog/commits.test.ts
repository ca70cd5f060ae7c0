import { createHash, randomUUID } from "node:crypto";
import pg from "pg";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { type NewCommit, newCommit } from "#lib/catalog/commits/schema.ts";
import { createCommit, getCommit, headOf, listCommits, readManifest } from "#lib/catalog/commits/service.ts";
import { createRef } from "#lib/catalog/refs/service.ts";
import { createRepo, deleteRepo, getRepo } from "#lib/catalog/repos/service.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { newPerson } from "../../support/actors.ts";
import { hostileNames } from "../../support/hostile-names.ts";
import { recordQueries } from "../../support/recorded-queries.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let ann: Person;
let bob: Person;
let repo: RepoItem;
let count = 0;

beforeAll(async () => {
  ann = await newPerson("ann");
  bob = await newPerson("bob", { isOperator: true });
});
beforeEach(
  async () =>
    void (repo = await createRepo(ann, {
      owner: "ann",
      name: `model-${++count}`,
      kind: "finetune",
      visibility: "public",
    })),
);
afterAll(() => hub.close());

const name = () => ({ owner: "ann", repo: repo.name });
const sha256 = (text: string | Uint8Array): string => createHash("sha256").update(text).digest("hex");
const add = (path: string, content = path) => ({ op: "add", path, content }) as const;
const commit = (operations: NewCommit["operations"], more: Partial<NewCommit> = {}, actor: Person = ann) =>
  createCommit(actor, name(), { title: "Change", operations, ...more });
const paths = async (id: string): Promise<string[]> => (await readManifest(id)).map(({ path }) => path);

async function failure(work: Promise<unknown>): Promise<AppError> {
  return work.then(
    () => expect.unreachable(),
    (cause: unknown) => {
      if (cause instanceof AppError) return cause;
      throw cause;
    },
  );
}

/** Everything that a commit may write, to see that a failed one wrote nothing. */
const rows = async (): Promise<unknown> =>
  database()
    .$queryRaw`SELECT (SELECT count(*) FROM commit) c, (SELECT count(*) FROM tree_entry) f, (SELECT count(*) FROM repo_blob) b, (SELECT count(*) FROM inspection) i, (SELECT count(*) FROM outbox) a, (SELECT json_agg(x ORDER BY repo_id, name) FROM ref x) refs, (SELECT json_agg(x ORDER BY id) FROM repo x) repos`;

describe("a commit", () => {
  test("is the files of its parent with its operations on them", async () => {
    const first = await commit([add("a.txt"), add("b/c.txt"), add("b/d.txt")], { title: "First" });
    expect(first).toMatchObject({
      parent: null,
      author: "ann",
      title: "First",
      files: 3,
      bytes: 5 + 7 + 7,
      branch: "main",
      isNew: true,
    });
    const second = await commit(
      [
        { op: "delete", path: "a.txt" },
        add("b/c.txt", "new"),
        { op: "copy", path: "e", from: { revision: first.id.slice(0, 8), path: "a.txt" } },
        { op: "add", path: "f", content: "w7w=", encoding: "base64" },
      ],
      { message: "Why\nnot" },
    );
    expect(second).toMatchObject({ parent: first.id, message: "Why\nnot", files: 4 });
    expect(await readManifest(second.id)).toEqual([
      { path: "b/c.txt", sha256: sha256("new"), size: 3, lfs: false },
      { path: "b/d.txt", sha256: sha256("b/d.txt"), size: 7, lfs: false },
      { path: "e", sha256: sha256("a.txt"), size: 5, lfs: false },
      { path: "f", sha256: sha256("ü"), size: 2, lfs: false },
    ]);
    expect(await paths(first.id)).toEqual(["a.txt", "b/c.txt", "b/d.txt"]);
    expect(await headOf(repo.id)).toBe(second.id);
    expect(
      (
        await database().commit.findMany({
          where: { repoId: repo.id },
          orderBy: { sequence: "asc" },
          select: { sequence: true },
        })
      ).map(({ sequence }) => sequence),
    ).toEqual([1, 2]);
  });

  test("comes with its inspection, its job and its line in the record", async () => {
    const { id } = await commit([add("a")]);
    const [inspection] = await database().inspection.findMany({ where: { commitId: id } });
    expect(inspection).toMatchObject({ state: "queued" });
    expect(await database().job.findMany({ where: { kind: "inspect", subjectId: inspection!.id } })).toEqual([
      expect.objectContaining({ state: "queued", userId: ann.userId, queueId: expect.any(String) as string }),
    ]);
    expect(
      await database().outbox.findMany({
        where: { subjectId: repo.id },
        orderBy: { id: "asc" },
        select: { kind: true, actorId: true, detail: true },
      }),
    ).toEqual([
      { kind: "repo.create", actorId: ann.userId, detail: expect.anything() as object },
      { kind: "repo.commit", actorId: ann.userId, detail: { branch: "main", commit: id } },
    ]);
  });

  test("moves the date of its repo", async () => {
    const before = (await getRepo(ann, name())).updatedAt;
    await commit([add("a")]);
    expect((await getRepo(ann, name())).updatedAt > before).toBe(true);
  });

  test("of a weights file is lfs whatever its size; others are from a mebibyte on", async () => {
    const { id } = await commit([
      add("tiny.safetensors"),
      { op: "add", path: "big.bin", content: "x".repeat(2 ** 20) },
      add("small.bin"),
    ]);
    expect((await readManifest(id)).map(({ path, lfs }) => [path, lfs])).toEqual([
      ["big.bin", true],
      ["small.bin", false],
      ["tiny.safetensors", true],
    ]);
  });
});

describe("sent again", () => {
  test("a commit that changes nothing is not made", async () => {
    const first = await commit([add("a"), add("b")]);
    const again = await commit([add("b"), add("a")], { title: "Other words" });
    expect(again).toMatchObject({ id: first.id, title: "Change", isNew: false });
  });

  test("with its parent, after a lost answer, it is the same commit", async () => {
    const first = await commit([add("a"), add("b")]);
    const more = { parent: first.id, title: "Second" };
    const operations = [{ op: "delete", path: "a" }, add("c")] as const;
    const second = await commit([...operations], more);
    const before = await rows();
    expect(await commit([...operations], more)).toEqual({ ...second, isNew: false });
    expect(await rows()).toEqual(before);
    expect(await failure(commit([...operations], { ...more, title: "Another" }))).toMatchObject({ code: "ref_moved" });
    expect(await failure(commit([...operations], more, bob))).toMatchObject({ code: "ref_moved" }); // not his
  });
});

/** Starts all, and lets none write before each has seen the branch as it is. */
async function atOnce<T>(works: readonly (() => Promise<T>)[]): Promise<PromiseSettledResult<T>[]> {
  const [client, watcher] = [
    new pg.Client({ connectionString: hub.database.url }),
    new pg.Client({ connectionString: hub.database.url }),
  ];
  await Promise.all([client.connect(), watcher.connect()]);
  await client.query(`BEGIN; SELECT FROM repo WHERE id = '${repo.id}' FOR UPDATE`);
  const ended = Promise.allSettled(works.map((work) => work()));
  for (let waiting = 0; waiting < works.length;)
    waiting = (
      await watcher.query(
        "SELECT FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'",
      )
    ).rowCount!;
  await client.query("COMMIT");
  await Promise.all([client.end(), watcher.end()]);
  return ended;
}

describe("somebody else was first", () => {
  test("a parent that is not the head is told who is, and changes nothing", async () => {
    const first = await commit([add("a")]);
    const second = await commit([add("b")], { title: "Bob's" }, bob);
    const before = await rows();
    const told = await failure(commit([add("c")], { parent: first.id }));
    expect(told).toMatchObject({
      code: "ref_moved",
      detail: { branch: "main", head: second.id, title: "Bob's", author: "bob" },
    });
    expect(told.message).toBe(
      `main has moved on: its newest commit is ${second.id.slice(0, 7)} “Bob's” by bob. Look at what it changed, then commit on top of it.`,
    );
    expect(await rows()).toEqual(before);
  });

  test.each([
    ["a commit of nobody", "0".repeat(40)],
    ["a commit of another repo", null],
  ])("so is %s", async (_what, parent) => {
    await commit([add("a")]);
    const other = await createRepo(ann, { owner: "ann", name: `other-${count}`, kind: "guide", visibility: "private" });
    const { id } = await createCommit(
      ann,
      { owner: "ann", repo: other.name },
      { title: "x", operations: [add("secret")] },
    );
    expect(await failure(commit([add("c")], { parent: parent ?? id }))).toMatchObject({ code: "ref_moved" });
  });

  test.each([
    ["of an empty repo", false],
    ["of a branch", true],
  ])("of eight at once, %s, one wins and seven are told", async (_what, isBegun) => {
    const base = isBegun ? (await commit([add("base")])).id : null;
    const ended = await atOnce(
      Array.from({ length: 8 }, (_, i) => () => commit([add(`file-${i}`)], { title: `Commit ${i}` })),
    );
    const won = ended.filter((each) => each.status === "fulfilled");
    expect(won).toHaveLength(1);
    const head = won[0]!.value;
    expect(head.parent).toBe(base);
    for (const each of ended)
      if (each.status === "rejected")
        expect(each.reason).toMatchObject({ code: "ref_moved", detail: { head: head.id } });
    expect(await paths(head.id)).toHaveLength(isBegun ? 2 : 1);
    expect(await database().commit.count({ where: { repoId: repo.id } })).toBe(isBegun ? 2 : 1);
  });

  test("eight branches at once do not disturb each other", async () => {
    await commit([add("base")]);
    for (let i = 0; i < 8; i++) await createRef(ann, name(), { name: `branch-${i}`, kind: "branch", revision: "HEAD" });
    const made = await Promise.all(
      Array.from({ length: 8 }, (_, i) => commit([add(`file-${i}`)], { branch: `branch-${i}` })),
    );
    expect(new Set(made.map(({ id }) => id)).size).toBe(8);
    const sequences = await database().commit.findMany({
      where: { repoId: repo.id },
      orderBy: { sequence: "asc" },
      select: { sequence: true },
    });
    expect(sequences.map(({ sequence }) => sequence)).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  test("people who download meanwhile disturb nobody", async () => {
    await commit([add("base")]);
    const done = new AbortController();
    let downloads = 0;
    const visitors = Array.from({ length: 4 }, async () => {
      while (!done.signal.aborted) {
        const visitor = sha256(String(downloads++));
        await database()
          .$queryRaw`SELECT count_download(${repo.id}::uuid, '2026-01-01', ${visitor}, ${visitor}, 9, ${visitor}, 9)`;
      }
    });
    for (let i = 0; i < 10; i++) expect(await commit([add(`file-${i}`)])).toMatchObject({ isNew: true });
    done.abort();
    await Promise.all(visitors);
    expect(await database().repo.findUnique({ where: { id: repo.id }, select: { downloads: true } })).toEqual({
      downloads,
    });
  });

  test("the same commit on two branches is one commit", async () => {
    await commit([add("base")]);
    await createRef(ann, name(), { name: "next", kind: "branch", revision: "main" });
    const one = await commit([add("a")]);
    const other = await commit([add("a")], { branch: "next" });
    expect(other).toEqual({ ...one, branch: "next", isNew: true });
  });
});

describe("refused, with nothing written", () => {
  test.each([
    ["a deletion of nothing", [{ op: "delete", path: "zzz" }], "file_not_found"],
    [
      "a copy of what no path is",
      [{ op: "copy", path: "x", from: { revision: "main", path: "a\0" } }],
      "file_not_found",
    ],
    ["a copy of nothing", [{ op: "copy", path: "x", from: { revision: "main", path: "zzz" } }], "file_not_found"],
    ["a copy from nowhere", [{ op: "copy", path: "x", from: { revision: "zzz", path: "a" } }], "revision_not_found"],
    ["two operations on one path", [add("x"), { op: "delete", path: "x" }], "bad_request"],
    ["names that differ in case", [add("A")], "bad_request"],
    ["a file that is a folder", [add("a/b")], "bad_request"],
    ["broken base64", [{ op: "add", path: "x", content: "abc", encoding: "base64" }], "bad_request"],
    ["base64 with line breaks", [{ op: "add", path: "x", content: "AAAA\nAAAA", encoding: "base64" }], "bad_request"],
    [
      "eight mebibytes in base64",
      [{ op: "add", path: "x", content: "AAAA".repeat(2 ** 21), encoding: "base64" }],
      "too_large",
    ],
    ["content of more than a mebibyte", [{ op: "add", path: "x", content: "x".repeat(2 ** 20 + 1) }], "too_large"],
    [
      "a pickle",
      [{ op: "add", path: "x.safetensors", content: "gAJ9cQAoWAo=", encoding: "base64" }],
      "unsupported_model",
    ],
    ["a page", [add("x.json", "<!doctype html><script>")], "unsupported_model"],
    [
      "bytes of nothing known",
      [{ op: "add", path: "x.bin", content: "/+8=", encoding: "base64" }],
      "unsupported_model",
    ],
    ["an upload of nobody", [{ op: "add", path: "x", upload: "00000000-0000-7000-8000-000000000001" }], "not_found"],
    [
      "copies from eleven revisions",
      Array.from({ length: 11 }, (_, i) => ({ op: "copy", path: `f${i}`, from: { revision: `r${i}`, path: "a" } })),
      "too_large",
    ],
    ["more than a thousand files with content", Array.from({ length: 1001 }, (_, i) => add(`f${i}`)), "too_large"],
  ] as [string, NewCommit["operations"], string][])("%s", async (_what, operations, code) => {
    await commit([add("a")]);
    const before = await rows();
    expect(await failure(commit(operations))).toMatchObject({ code });
    expect(await rows()).toEqual(before);
  });

  test.each(hostileNames)("the name %j", async (path, rule) => {
    for (const operation of [
      add(path, "x"),
      { op: "copy", path, from: { revision: "HEAD", path: "a" } },
      { op: "delete", path },
    ] as NewCommit["operations"]) {
      expect(await failure(commit([operation]))).toMatchObject({ code: "bad_request", detail: { rule } });
    }
  });

  test.each([
    ["a branch that is not there", { branch: "zzz" }, "revision_not_found"],
    ["a tag", { branch: "v1" }, "bad_request"],
  ])("%s", async (_what, more, code) => {
    await commit([add("a")]);
    await createRef(ann, name(), { name: "v1", kind: "tag", revision: "HEAD" });
    expect(await failure(commit([add("b")], more))).toMatchObject({ code });
  });

  test.each([
    ["no operation", { title: "x", operations: [] }],
    ["no title", { title: " ", operations: [add("a")] }],
    ["a title of two lines", { title: "a\nb", operations: [add("a")] }],
    ["a title that turns", { title: "a\u202eb", operations: [add("a")] }],
    ["a message with NUL", { title: "a", message: "\0", operations: [add("a")] }],
    ["neither upload nor content", { title: "a", operations: [{ op: "add", path: "a" }] }],
    [
      "both",
      {
        title: "a",
        operations: [{ op: "add", path: "a", content: "", upload: "00000000-0000-7000-8000-000000000001" }],
      },
    ],
    ["a field of its own", { title: "a", operations: [{ ...add("a"), mode: 0o777 }] }],
    ["a short parent", { title: "a", parent: "0123456", operations: [add("a")] }],
    ["another kind of operation", { title: "a", operations: [{ op: "symlink", path: "a", target: "/etc/passwd" }] }],
  ])("in its form: %s", (_what, body) => expect(newCommit.safeParse(body).success).toBe(false));

  test("a repo that was deleted meanwhile", async () => {
    await commit([add("a")]);
    await deleteRepo(ann, name());
    expect(await failure(commit([add("b")]))).toMatchObject({ code: "repo_not_found" });
  });
});

describe("an upload", () => {
  /** What a client and a worker have left: the row of an upload to this repo in that state, of these bytes. */
  async function uploaded(content: string, state: "hashing" | "verified" = "verified"): Promise<string> {
    const { sha256: blobSha256, size } = await storeBytes(Buffer.from(content));
    const data = {
      repoId: repo.id,
      userId: ann.userId,
      path: "meant.bin",
      declaredSize: size,
      storageKey: randomUUID(),
      expiresAt: new Date(Date.now() + 60_000),
    };
    const { id } = await database().upload.create({ data });
    await database().upload.update({ where: { id }, data: { state: "hashing", attempt: 1 } });
    if (state === "verified") await database().upload.update({ where: { id }, data: { state, blobSha256 } });
    return id;
  }
  const stateOf = async (id: string): Promise<string> =>
    (await database().upload.findUniqueOrThrow({ where: { id } })).state;

  test("becomes a file where the commit says, and is linked by it", async () => {
    const upload = await uploaded("weights of ann");
    const { id } = await commit([{ op: "add", path: "else/where.safetensors", upload }, add("b")]);
    expect((await readManifest(id))[1]).toEqual({
      path: "else/where.safetensors",
      sha256: sha256("weights of ann"),
      size: 14,
      lfs: true,
    });
    expect(await stateOf(upload)).toBe("linked");
  });

  test("is taken again when its commit is sent again", async () => {
    const first = await commit([add("a")]);
    const operations = [{ op: "add", path: "w", upload: await uploaded("sent twice") }] as const;
    const made = await commit([...operations], { parent: first.id });
    expect(await commit([...operations], { parent: first.id })).toEqual({ ...made, isNew: false });
    expect(await commit([...operations])).toMatchObject({ id: made.id, isNew: false });
  });

  test("may be the card", async () => {
    await commit([{ op: "add", path: "README.md", upload: await uploaded("---\nlicense: mit\n---\nUploaded.") }]);
    expect(await getRepo(ann, name())).toMatchObject({ license: "mit", summary: "Uploaded." });
  });

  test("of a commit that fails stays as it was", async () => {
    const first = await commit([add("a")]);
    await commit([add("b")]);
    const upload = await uploaded("too late");
    expect(await failure(commit([{ op: "add", path: "w", upload }], { parent: first.id }))).toMatchObject({
      code: "ref_moved",
    });
    expect(await stateOf(upload)).toBe("verified");
  });

  test("that is still being read is waited for", async () => {
    const [blobSha256, reading] = [sha256("read meanwhile"), await uploaded("read meanwhile", "hashing")];
    const waiting = commit([{ op: "add", path: "w", upload: reading }]);
    await database().upload.update({ where: { id: reading }, data: { state: "verified", blobSha256 } });
    expect(await paths((await waiting).id)).toEqual(["w"]);
  });

  test("that is not read in time is to be sent again, and one to another repo is not there", async () => {
    const reading = await uploaded("reading", "hashing");
    expect(await failure(commit([{ op: "add", path: "w", upload: reading }]))).toMatchObject({
      code: "upload_not_ready",
      detail: { retryAfter: 5 },
    });
    const elsewhere = await uploaded("elsewhere");
    repo = await createRepo(ann, { owner: "ann", name: `next-${count}`, kind: "finetune", visibility: "public" });
    expect(await failure(commit([{ op: "add", path: "w", upload: elsewhere }]))).toMatchObject({ code: "not_found" });
  });
});

describe("a content that is named by its sha256", () => {
  const named = (content: string) => ({ op: "add", path: "by-name", sha256: sha256(content) }) as const;

  test("is one that a commit of this repo has had", async () => {
    await commit([add("a", "kept")]);
    await commit([{ op: "delete", path: "a" }, add("b")]);
    const { id } = await commit([named("kept")]);
    expect((await readManifest(id)).map(({ path, size }) => [path, size])).toEqual([
      ["b", 1],
      ["by-name", 4],
    ]);
  });

  test("is not one that only another repo has, or nobody", async () => {
    await commit([add("a", "of another repo")]);
    repo = await createRepo(ann, { owner: "ann", name: `other-${count}`, kind: "finetune", visibility: "public" });
    for (const content of ["of another repo", "of nobody"])
      expect(await failure(commit([named(content)]))).toMatchObject({ code: "not_found" });
  });

  test("is one that its author has uploaded there, also while it is being read; nobody else's", async () => {
    const upload = async (content: string, userId: string): Promise<string> => {
      const { sha256: declaredSha256, size } = await storeBytes(Buffer.from(content));
      const { id } = await database().upload.create({
        data: {
          repoId: repo.id,
          userId,
          path: "x",
          declaredSize: size,
          declaredSha256,
          storageKey: randomUUID(),
          partSize: 1,
          expiresAt: new Date(Date.now() + 60_000),
        },
      });
      await database().upload.update({ where: { id }, data: { state: "hashing", attempt: 1 } });
      return id;
    };
    const reading = await upload("on its way", ann.userId);
    const waiting = commit([named("on its way")]);
    await database().upload.update({
      where: { id: reading },
      data: { state: "verified", blobSha256: sha256("on its way") },
    });
    expect(await paths((await waiting).id)).toEqual(["by-name"]);
    expect((await database().upload.findUniqueOrThrow({ where: { id: reading } })).state).toBe("linked");
    await upload("of bob", bob.userId);
    expect(await failure(commit([named("of bob")]))).toMatchObject({ code: "not_found" });
  });
});

test("ten thousand files fit, and one more does not", async () => {
  const operations = (from: number, to: number) =>
    Array.from(
      { length: to - from },
      (_, i) =>
        ({
          op: "copy",
          path: `many/${String(from + i).padStart(5, "0")}`,
          from: { revision: "HEAD", path: "a" },
        }) as const,
    );
  await commit([add("a")]);
  const { result: full, queries } = await recordQueries(() => commit(operations(0, 9_999)));
  expect(queries.length).toBeLessThan(500); // not one for each file, nor for each twenty
  expect(full.files).toBe(10_000);
  expect(await failure(commit([add("z")]))).toMatchObject({ code: "too_large", detail: { files: 10_001 } });
  expect(await commit([{ op: "delete", path: "many/00000" }, add("z")])).toMatchObject({ files: 10_000 });
});

test("bytes that are being purged are not linked", async () => {
  await commit([add("a")]);
  await storeBytes(Buffer.from("doomed"));
  await inTransaction(database(), (transaction) =>
    transaction.blob.update({ where: { sha256: sha256("doomed") }, data: { purgingAt: new Date() } }),
  );
  const made = await commit([add("b", "doomed")]).catch((cause: unknown) => cause);
  if (made instanceof AppError) expect(made).toMatchObject({ code: "upload_not_ready" });
  else
    expect(
      await database().blob.findUnique({ where: { sha256: sha256("doomed") }, select: { purgingAt: true } }),
    ).toEqual({ purgingAt: null });
});

describe("history", () => {
  test("goes from a revision back to the first commit, page by page", async () => {
    const made: string[] = [];
    for (let i = 0; i < 5; i++) made.unshift((await commit([add("a", `${i}`)], { title: `Commit ${i}` })).id);
    const first = await listCommits(ann, name(), { revision: "HEAD", limit: 2 });
    const second = await listCommits(ann, name(), { revision: "HEAD", limit: 2, cursor: first.next! });
    const third = await listCommits(ann, name(), { revision: "HEAD", limit: 2, cursor: second.next! });
    expect([first, second, third].flatMap(({ items }) => items.map(({ id }) => id))).toEqual(made);
    expect(third.next).toBeNull();
    expect(
      (await listCommits(ann, name(), { revision: made[3]!.slice(0, 10), limit: 30 })).items.map(({ title }) => title),
    ).toEqual(["Commit 1", "Commit 0"]);
    expect(await getCommit(ann, name(), "main")).toMatchObject({ id: made[0], parent: made[1], title: "Commit 4" });
  });

  test("of another repo cannot be had with a cursor", async () => {
    const { id } = await commit([add("secret")]);
    const other = await createRepo(bob, { owner: "bob", name: `mine-${count}`, kind: "guide", visibility: "public" });
    const cursor = Buffer.from(JSON.stringify([id])).toString("base64url");
    expect(await listCommits(bob, { owner: "bob", repo: other.name }, { revision: "HEAD", limit: 30, cursor })).toEqual(
      { items: [], next: null },
    );
    expect(
      await failure(
        listCommits(bob, { owner: "bob", repo: other.name }, { revision: "HEAD", limit: 30, cursor: "W10" }),
      ),
    ).toMatchObject({ code: "bad_request" });
  });
});
