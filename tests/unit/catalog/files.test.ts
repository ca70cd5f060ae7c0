import { createHash, randomBytes } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { anonymous, type Person } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { treeQuery } from "#lib/catalog/files/schema.ts";
import { listTree } from "#lib/catalog/files/service.ts";
import { createRef } from "#lib/catalog/refs/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { GET as receive, HEAD as look } from "../../../app/[owner]/[repo]/resolve/[revision]/[...path]/route.ts";
import { GET as fromStore } from "../../../app/storage/[...path]/route.ts";
import { newPerson } from "../../support/actors.ts";
import { serve, type Served } from "../../support/serve.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
const header = Buffer.from(JSON.stringify({ x: { dtype: "F32", shape: [480], data_offsets: [0, 1920] } }).padEnd(72));
const weights = Buffer.concat([Buffer.from([header.byteLength, 0, 0, 0, 0, 0, 0, 0]), header, randomBytes(1920)]); // 2,000 bytes

const files = {
  "README.md": "# Hi\n",
  "unet/config.json": "{}",
  "unet/ünet «1».safetensors": weights,
  "page.html": "Not <script>alert(1)</script>",
  "empty.txt": "",
};
let ann: Person;
let server: Served;
let commit: string;
let token: string;

const hex = (algorithm: string, bytes: string | Uint8Array): string =>
  createHash(algorithm).update(bytes).digest("hex");
const gitSha1 = (content: string | Uint8Array): string =>
  hex("sha1", Buffer.concat([Buffer.from(`blob ${Buffer.byteLength(content)}\0`), Buffer.from(content)]));

beforeAll(async () => {
  server = await serve((request) => {
    const { pathname } = new URL(request.url);
    if (!pathname.startsWith("/storage/")) return (request.method === "HEAD" ? look : receive)(request);
    return fromStore(request, {
      params: Promise.resolve({ path: pathname.split("/").slice(2).map(decodeURIComponent) }),
    });
  });
  ann = await newPerson("ann");
  token = (await createToken(ann, { name: "t", scopes: ["read"] })).secret;
  for (const [name, visibility] of [
    ["open", "public"],
    ["closed", "private"],
  ] as const) {
    await createRepo(ann, { owner: "ann", name, kind: "finetune", visibility });
    const operations = Object.entries(files).map(
      ([path, content]) =>
        ({ op: "add", path, content: Buffer.from(content).toString("base64"), encoding: "base64" }) as const,
    );
    ({ id: commit } = await createCommit(ann, { owner: "ann", repo: name }, { title: "Files", operations }));
  }
  commit = (await database().ref.findFirstOrThrow({ where: { repo: { name: "open" } } })).commitId;
  await createRef(ann, { owner: "ann", repo: "open" }, { name: "feature/x", kind: "branch", revision: "HEAD" });
});
afterAll(async () => {
  await server.close();
  await hub.close();
});

const get = (path: string, headers: Record<string, string> = {}, method = "GET") =>
  fetch(`${server.url}/ann/${path}`, { method, headers, redirect: "manual" });
const bytesOf = async (response: Response): Promise<Buffer> => Buffer.from(await response.arrayBuffer());
/** The signed address, at the port where this suite serves it. */
const follow = (response: Response, headers: Record<string, string> = {}) =>
  fetch(response.headers.get("location")!.replace("http://localhost:3000", server.url), { headers });
const LFS = "open/resolve/main/unet/%C3%BCnet%20%C2%AB1%C2%BB.safetensors";

describe("a tree", () => {
  const entries = async (query: Record<string, string>) =>
    (await listTree(anonymous, { owner: "ann", repo: "open" }, treeQuery.parse(query))).items.map(
      ({ type, path }) => `${type} ${path}`,
    );

  test("lists a folder, or all below it", async () => {
    expect(await entries({})).toEqual(["file empty.txt", "file page.html", "file README.md", "directory unet"]);
    expect(await entries({ path: "unet" })).toEqual(["file unet/config.json", "file unet/ünet «1».safetensors"]);
    expect(await entries({ recursive: "true", revision: "feature/x" })).toEqual([
      "file empty.txt",
      "file page.html",
      "file README.md",
      "directory unet",
      "file unet/config.json",
      "file unet/ünet «1».safetensors",
    ]);
  });

  test("names each file by both hashes", async () => {
    const { items, commit: at } = await listTree(
      anonymous,
      { owner: "ann", repo: "open" },
      treeQuery.parse({ path: "unet" }),
    );
    expect(at).toBe(commit);
    expect(items).toEqual([
      {
        type: "file",
        path: "unet/config.json",
        size: 2,
        sha256: hex("sha256", "{}"),
        gitSha1: gitSha1("{}"),
        lfs: false,
      },
      {
        type: "file",
        path: "unet/ünet «1».safetensors",
        size: 2000,
        sha256: hex("sha256", weights),
        gitSha1: gitSha1(weights),
        lfs: true,
      },
    ]);
  });

  test("comes in pages", async () => {
    const all = await entries({ recursive: "true" });
    const read: string[] = [];
    for (let cursor: string | null = ""; cursor !== null;) {
      const page: Awaited<ReturnType<typeof listTree>> = await listTree(
        anonymous,
        { owner: "ann", repo: "open" },
        treeQuery.parse({ recursive: "true", limit: "2", ...(cursor && { cursor }) }),
      );
      read.push(...page.items.map(({ type, path }) => `${type} ${path}`));
      cursor = page.next;
    }
    expect(read).toEqual(all);
  });

  test.each([
    ["unet/", "file_not_found"],
    ["une", "file_not_found"],
    ["README.md", "file_not_found"],
    ["%", "file_not_found"],
  ])("has no folder %j", async (path, code) => {
    await expect(entries({ path })).rejects.toMatchObject({ code, detail: { commit } });
  });
});

describe("a small file", () => {
  test("is sent as it is, with all that clients ask of it", async () => {
    const response = await get("open/resolve/main/README.md");
    expect(response.status).toBe(200);
    expect(await response.text()).toBe("# Hi\n");
    expect(Object.fromEntries(response.headers)).toMatchObject({
      "x-repo-commit": commit,
      etag: `"${gitSha1("# Hi\n")}"`,
      "x-linked-etag": `"${gitSha1("# Hi\n")}"`,
      "x-linked-size": "5",
      "x-content-sha256": hex("sha256", "# Hi\n"),
      "repr-digest": `sha-256=:${createHash("sha256").update("# Hi\n").digest("base64")}:`,
      "accept-ranges": "bytes",
      "content-length": "5",
      "content-type": "text/plain; charset=utf-8",
      "content-disposition": `attachment; filename*=UTF-8''README.md; filename="README.md";`,
      "x-content-type-options": "nosniff",
      "cache-control": "private, no-cache, no-transform",
    });
    expect(response.headers.get("content-security-policy")).toMatch(/sandbox/);
  });

  test("of a page of strangers is never a page of ours", async () => {
    expect((await get("open/resolve/main/page.html")).headers.get("content-type")).toBe("application/octet-stream");
  });

  test.each([
    ["bytes=0-1", 206, "# ", "bytes 0-1/5"],
    ["bytes=2-", 206, "Hi\n", "bytes 2-4/5"],
    ["bytes=-2", 206, "i\n", "bytes 3-4/5"],
    ["bytes=0-1,3-4", 200, "# Hi\n", null],
    ["bytes=9-", 416, null, "bytes */5"],
  ])("in the range %s: %i", async (range, status, text, contentRange) => {
    const response = await get("open/resolve/main/README.md", { range });
    expect([response.status, response.headers.get("content-range")]).toEqual([status, contentRange]);
    if (text !== null) expect(await response.text()).toBe(text);
  });

  test("that the client has is not sent again", async () => {
    const etag = (await get("open/resolve/main/README.md")).headers.get("etag")!;
    const response = await get("open/resolve/main/README.md", { "if-none-match": `W/"x", ${etag}` });
    expect([response.status, await response.text(), response.headers.get("x-repo-commit")]).toEqual([304, "", commit]);
    expect((await get("open/resolve/main/README.md", { range: "bytes=0-1", "if-range": '"another"' })).status).toBe(
      200,
    );
  });

  test("of no bytes is sent too", async () => {
    const response = await get("open/resolve/main/empty.txt");
    expect([response.status, response.headers.get("content-length"), await response.text()]).toEqual([200, "0", ""]);
  });
});

describe("a large file", () => {
  test("comes from the store, under its name, whole or in part", async () => {
    const response = await get(LFS);
    expect(response.status).toBe(302);
    expect(Object.fromEntries(response.headers)).toMatchObject({
      etag: `"${hex("sha256", weights)}"`,
      "x-linked-etag": `"${hex("sha256", weights)}"`,
      "x-linked-size": "2000",
      "x-content-sha256": hex("sha256", weights),
      "x-repo-commit": commit,
      "cache-control": "private, no-store",
    });
    const sent = await follow(response);
    expect(sent.status).toBe(200);
    expect((await bytesOf(sent)).equals(weights)).toBe(true);
    expect(sent.headers.get("content-disposition")).toBe(
      `attachment; filename*=UTF-8''%C3%BCnet%20%C2%AB1%C2%BB.safetensors; filename="_net _1_.safetensors";`,
    );
    expect(sent.headers.get("content-type")).toBe("application/octet-stream");
    expect((await bytesOf(await follow(response, { range: "bytes=1000-" }))).equals(weights.subarray(1000))).toBe(true);
  });

  test("answers a HEAD by itself, and sends nobody elsewhere", async () => {
    const response = await get(LFS, {}, "HEAD");
    expect([
      response.status,
      response.headers.get("location"),
      response.headers.get("content-length"),
      response.headers.get("x-linked-size"),
    ]).toEqual([200, null, "2000", "2000"]);
  });

  test("that the client has is not fetched again", async () => {
    for (const method of ["GET", "HEAD"])
      expect((await get(LFS, { "if-none-match": `"${hex("sha256", weights)}"` }, method)).status).toBe(304);
  });
});

describe("what is not there", () => {
  test.each([
    ["a file", "open/resolve/main/nothing.json", 404, "EntryNotFound"],
    ["a folder", "open/resolve/main/unet", 404, "EntryNotFound"],
    ["a path that climbs", "open/resolve/main/..%2f..%2fetc%2fpasswd", 404, "EntryNotFound"],
    ["a NUL", "open/resolve/main/a%00b", 404, "EntryNotFound"],
    ["a revision", "open/resolve/zzz/README.md", 404, "RevisionNotFound"],
    ["a repo", "nothing/resolve/main/README.md", 404, "RepoNotFound"],
    ["a private repo", "closed/resolve/main/README.md", 404, "RepoNotFound"],
    ["an escape that is none", "open/resolve/main/%C0%AE", 400, null],
  ])("%s", async (_what, path, status, code) => {
    for (const method of ["GET", "HEAD"]) {
      const response = await get(path, {}, method);
      expect([response.status, response.headers.get("x-error-code")]).toEqual([status, code]);
      expect(response.headers.get("x-repo-commit")).toBe(code === "EntryNotFound" ? commit : null);
    }
  });

  test("a private repo is there for whom may read it", async () => {
    const response = await get("closed/resolve/main/README.md", { authorization: `Bearer ${token}` });
    expect([response.status, await response.text()]).toEqual([200, "# Hi\n"]);
  });
});

test("a revision with a slash is one escaped part of the address", async () => {
  expect((await get("open/resolve/feature%2Fx/README.md")).status).toBe(200);
  expect((await get(`open/resolve/${commit}/unet/config.json`)).status).toBe(200);
  expect((await get(`open/resolve/${commit.slice(0, 7)}/unet/config.json`)).status).toBe(200);
});

describe("downloads are counted", () => {
  const counted = async (): Promise<number> =>
    (await database().repo.findFirstOrThrow({ where: { name: "counted" }, select: { downloads: true } })).downloads;
  const from = (address: string, more: Record<string, string> = {}) => ({ "x-forwarded-for": address, ...more });
  /** Counted beside the answer. */
  const becomes = (count: number): Promise<void> =>
    vi.waitFor(async () => expect(await counted()).toBe(count), { timeout: 120_000 });
  const weights = "counted/resolve/main/b.safetensors";

  beforeAll(async () => {
    await createRepo(ann, { owner: "ann", name: "counted", kind: "guide", visibility: "public" });
    await createCommit(
      ann,
      { owner: "ann", repo: "counted" },
      {
        title: "x",
        operations: [
          { op: "add", path: "README.md", content: "![x](a.txt)" },
          { op: "add", path: "a.txt", content: "abc" },
          { op: "add", path: "config.json", content: "{}" },
          { op: "add", path: "b.safetensors", content: "abc" },
        ],
      },
    );
  });

  test("of weights, from the first byte, and never of what a page shows or who only looks", async () => {
    for (const path of ["README.md", "a.txt", "config.json", "nothing", "nothing.safetensors"])
      await get(`counted/resolve/main/${path}`, from("203.0.113.1"));
    await get(weights, from("203.0.113.1"), "HEAD");
    for (const range of ["bytes=0-0", "bytes=0-1", "bytes=2-", "bytes=-1", "bytes=0-,5-", "bytes=9-"])
      await get(weights, from("203.0.113.1", { range }));
    await becomes(0);
    await Promise.all([get(weights, from("203.0.113.1")), get(weights, from("203.0.113.1"))]);
    await becomes(1);
    await get(weights, from("198.51.100.1", { range: "bytes=0-" }));
    await becomes(2);
    await get(weights, from("198.51.100.9", { authorization: `Bearer ${token}` })); // its owner's
    await becomes(2);
    expect(
      await database().downloadDay.aggregate({ _sum: { count: true }, where: { repo: { name: "counted" } } }),
    ).toEqual({ _sum: { count: 2 } });
  });

  test("once for each network, whatever its addresses and programs say", async () => {
    const before = await counted();
    for (let n = 0; n < 20; n++) {
      await get(weights, from(`192.0.2.${n}`, { "user-agent": `curl/${n}` }));
      await get(weights, from(`2001:db8:7:${n}::1`, { "user-agent": `curl/${n}` }));
    }
    await becomes(before + 2);
  });

  test("once for each person, and of the persons of one network five", async () => {
    const before = await counted();
    for (let n = 0; n < 8; n++) {
      const { secret } = await createToken(await newPerson(`visitor${n}`), { name: "x", scopes: ["read"] });
      for (const address of ["198.18.0.1", "198.18.7.1"])
        await get(weights, from(n < 7 ? "198.18.0.1" : address, { authorization: `Bearer ${secret}` }));
    }
    await becomes(before + 5);
  });

  test("a hundred a day from one network, over all repos", async () => {
    const before = await counted();
    await get(weights, from("198.19.0.1"));
    await becomes(before + 1);
    await database().$executeRaw`UPDATE download_network SET count = 100 WHERE count = 1`; // also that of the repo: both are full
    await database().$executeRaw`DELETE FROM download_seen`;
    const { secret } = await createToken(await newPerson("latecomer"), { name: "x", scopes: ["read"] });
    await get(weights, from("198.19.0.2", { authorization: `Bearer ${secret}` }));
    await becomes(before + 1);
  });

  test("a counter that fails does not fail the download", async () => {
    await database().$executeRaw`ALTER TABLE download_seen RENAME TO hidden`;
    const before = await counted();
    expect((await get(weights, from("192.88.99.1"))).status).toBeLessThan(400);
    await database().$executeRaw`ALTER TABLE hidden RENAME TO download_seen`;
    await get(weights, from("192.88.99.1"));
    await becomes(before + 1);
  });
});
