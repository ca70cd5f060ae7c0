import { randomUUID } from "node:crypto";
import { statfs } from "node:fs/promises";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { requireWrite } from "#lib/auth/access.ts";
import { createToken } from "#lib/auth/token.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import { MAX_UNFINISHED, MAX_UPLOAD_BYTES } from "#lib/catalog/uploads/schema.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { abortUpload, completeUpload, getUpload, listUploads, signParts } from "#lib/catalog/uploads/service.ts";
import { isLfs } from "#lib/catalog/uploads/lfs.ts";
import { takeVerified } from "#lib/catalog/uploads/taken.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import type { AppError } from "#lib/errors.ts";
import { POST as begin } from "../../../app/api/v1/repos/[owner]/[repo]/uploads/route.ts";
import { POST as sign } from "../../../app/api/v1/uploads/[id]/parts/route.ts";
import { newPerson, tokenOf } from "../../support/actors.ts";
import { hostileNames } from "../../support/hostile-names.ts";
import { stageUpload, stageWhole } from "../../support/stage-upload.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of } from "../../support/upload-client.ts";
import { Visitor, withToken } from "../../support/visitor.ts";

const hub = await useTempHub();
const model = { owner: "ann", repo: "model" };
let ann: Person;
let bob: Person;
let token: string;

beforeAll(async () => {
  [ann, bob] = [await newPerson("ann"), await newPerson("bob")];
  token = (await createToken(ann, { name: "test", scopes: ["write", "read"] })).secret;
  await createRepo(ann, { ...model, name: "model", kind: "finetune", visibility: "public" });
  await createRepo(ann, { owner: "ann", name: "other", kind: "finetune", visibility: "private" });
});
beforeEach(async () => void (await database().upload.deleteMany()));
afterAll(() => hub.close());

const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );
const rows = (): Promise<number> => database().upload.count();
const post = (body: unknown, headers: Record<string, string> = {}) =>
  new Visitor().ask(begin, {
    method: "POST",
    params: model,
    body,
    headers: { ...withToken(token).headers, ...headers },
  });

describe("the same key", () => {
  const file = { path: "a.safetensors", size: 10, sha256: sha256Of("a") };

  test("finds the same upload, however far it is", async () => {
    const idempotencyKey = randomUUID();
    const first = await beginUpload(ann, model, { ...file, idempotencyKey });
    expect(await beginUpload(ann, model, { ...file, idempotencyKey })).toEqual(first);
    await signParts(ann, first.id, [1]);
    expect(await beginUpload(ann, model, { ...file, idempotencyKey })).toEqual({ ...first, state: "receiving" });
    await abortUpload(ann, first.id);
    expect(await beginUpload(ann, model, { ...file, idempotencyKey })).toMatchObject({
      id: first.id,
      state: "aborted",
    });
    expect(await rows()).toBe(1);
  });

  test("sent five times at once makes one upload, with one place in the store", async () => {
    const idempotencyKey = randomUUID();
    const all = await Promise.all(
      Array.from({ length: 5 }, () => beginUpload(ann, model, { ...file, idempotencyKey })),
    );
    expect(new Set(all.map(({ id }) => id)).size).toBe(1);
    const { objectStore } = await import("#lib/storage/open-store.ts");
    const { storageKey } = await database().upload.findFirstOrThrow();
    let open = 0;
    for await (const { key } of objectStore().listMultiparts()) if (key === storageKey) open++;
    expect(open).toBe(1);
  });

  test.each([
    ["another path", { path: "b.safetensors" }],
    ["another size", { size: 11 }],
    ["another sha256", { sha256: sha256Of("b") }],
    ["no sha256", { sha256: undefined }],
  ])("with %s is refused", async (_what, other) => {
    await beginUpload(ann, model, { ...file, idempotencyKey: "key" });
    const failure = await failureOf(beginUpload(ann, model, { ...file, ...other, idempotencyKey: "key" }));
    expect(failure).toMatchObject({
      code: "conflict",
      message:
        "This Idempotency-Key began the upload of a.safetensors with 10 bytes; send another key for another file.",
    });
  });

  test("for another repo is refused, and of another person is another upload", async () => {
    await beginUpload(ann, model, { ...file, idempotencyKey: "key" });
    expect(
      await failureOf(beginUpload(ann, { owner: "ann", repo: "other" }, { ...file, idempotencyKey: "key" })),
    ).toMatchObject({ code: "conflict" });
    await createRepo(bob, { owner: "bob", name: "model", kind: "finetune", visibility: "public" });
    await beginUpload(bob, { owner: "bob", repo: "model" }, { ...file, idempotencyKey: "key" });
    expect(await rows()).toBe(2);
  });

  test("is not needed; two without one are two", async () => {
    await beginUpload(ann, model, file);
    await beginUpload(ann, model, file);
    expect(await rows()).toBe(2);
  });

  test("works for the hub itself", async () => {
    const first = await beginUpload(theHub, model, { ...file, idempotencyKey: "starter/a" });
    expect((await beginUpload(theHub, model, { ...file, idempotencyKey: "starter/a" })).id).toBe(first.id);
  });
});

describe("refused before anything is sent:", () => {
  test.each(hostileNames)("the path %j (%s)", async (path, rule) => {
    expect(await failureOf(beginUpload(ann, model, { path, size: 1 }))).toMatchObject({
      code: "bad_request",
      detail: { rule },
    });
    expect(await rows()).toBe(0);
  });

  test.each([
    [{ path: "a", size: -1 }, "size"],
    [{ path: "a", size: 1.5 }, "size"],
    [{ path: "a", size: 2 ** 53 }, "size"],
    [{ path: "a", size: "1" }, "size"],
    [{ path: "a" }, "size"],
    [{ path: "a", size: 1, sha256: "abc" }, "sha256"],
    [{ path: "a", size: 1, sha256: sha256Of("a").toUpperCase() }, "sha256"],
    [{ path: 1, size: 1 }, "path"],
    [{ path: "a", size: 1, storageKey: "00/00/00" }, ""],
    [[], ""],
  ])("%j", async (body, field) =>
    expect(await post(body)).toMatchObject({ status: 400, body: { code: "bad_request", detail: { field } } }),
  );

  test.each(["", "a b", "ü", "x".repeat(201)])("the key %j", async (key) => {
    const answer = await post(
      { path: "a", size: 1 },
      { "idempotency-key": encodeURI(key) === key || key === "a b" ? key : "\xfc" },
    );
    expect(answer).toMatchObject({ status: 400, body: { detail: { field: "Idempotency-Key" } } });
  });

  test("more than 100 GB", async () => {
    expect(await failureOf(beginUpload(ann, model, { path: "a", size: MAX_UPLOAD_BYTES + 1 }))).toMatchObject({
      code: "too_large",
      detail: { limit: 100e9 },
    });
  });

  test("more than the disk has room for; what others have only announced takes none", async () => {
    const { bavail, bsize } = await statfs(hub.folder);
    const size = Math.min(bavail * bsize - 1e9, MAX_UPLOAD_BYTES);
    const bob = await newPerson("announcer");
    await createRepo(bob, { owner: "announcer", name: "huge", kind: "base", visibility: "public" });
    for (let n = 0; n < 19; n++)
      await database().upload.create({
        data: {
          repoId: (await database().repo.findFirstOrThrow({ where: { name: "huge" } })).id,
          userId: bob.userId,
          expiresAt: new Date(Date.now() + 1e6),
          path: `f${n}`,
          storageKey: `elsewhere-${n}`,
          declaredSize: size,
        },
      });
    await beginUpload(ann, model, { path: "c", size: 1000 });
    if (bavail * bsize < MAX_UPLOAD_BYTES)
      expect(await failureOf(beginUpload(ann, model, { path: "c", size: bavail * bsize }))).toMatchObject({
        code: "disk_full",
        message: expect.stringMatching(/full; .+ free some space/) as string,
      });
  });

  test("more unfinished uploads than one person may have", async () => {
    const { id } = await beginUpload(ann, model, { path: "a", size: 1 });
    await database()
      .$executeRaw`INSERT INTO upload (id, repo_id, user_id, path, declared_size, storage_key, expires_at, updated_at)
      SELECT gen_random_uuid(), repo_id, user_id, 'a' || n, 1, 'key' || n, expires_at, now() FROM upload, generate_series(2, ${MAX_UNFINISHED}) n WHERE id = ${id}::uuid`;
    expect(await failureOf(beginUpload(ann, model, { path: "b", size: 1 }))).toMatchObject({ code: "rate_limited" });
    await abortUpload(ann, id);
    await beginUpload(ann, model, { path: "b", size: 1 });
  });

  test("from whoever may not write", async () => {
    const file = { path: "a", size: 1 };
    expect(await failureOf(beginUpload(anonymous, model, file))).toMatchObject({ code: "forbidden" });
    expect(await failureOf(beginUpload(bob, model, file))).toMatchObject({ code: "forbidden" });
    expect(await failureOf(beginUpload(bob, { owner: "ann", repo: "other" }, file))).toMatchObject({
      code: "repo_not_found",
    });
    expect(await failureOf(beginUpload(tokenOf(ann, "read", "run"), model, file))).toMatchObject({ code: "forbidden" });
    expect(await rows()).toBe(0);
  });
});

describe("parts:", () => {
  test("their sizes are those of the file", async () => {
    const { id, partSize } = await beginUpload(ann, model, { path: "a", size: 40_000_000 });
    const { items, expiresAt } = await signParts(ann, id, [3, 1]);
    expect(items.map(({ number, size }) => [number, size])).toEqual([
      [3, 40_000_000 - 2 * partSize],
      [1, partSize],
    ]);
    expect(Date.parse(expiresAt) - Date.now()).toBeGreaterThan(3_590_000);
    expect(await failureOf(signParts(ann, id, [1, 4]))).toMatchObject({
      code: "bad_request",
      detail: { part: 4, partCount: 3 },
    });
  });

  test.each([[[]], [[0]], [[-1]], [[1.5]], [Array.from({ length: 101 }, (_, i) => i + 1)], [["1"]]])(
    "the numbers %j are refused",
    async (numbers) => {
      const { id } = await beginUpload(ann, model, { path: "a", size: 10 });
      expect(
        await new Visitor().ask(sign, { method: "POST", params: { id }, body: { numbers }, ...withToken(token) }),
      ).toMatchObject({ status: 400 });
    },
  );

  test("none of a file that is empty, or that has come whole", async () => {
    const { id } = await beginUpload(ann, model, { path: "a", size: 0 });
    expect(await failureOf(signParts(ann, id, [1]))).toMatchObject({ code: "bad_request" });
    const staged = await stageWhole(ann, "ann/model", "b", Buffer.from("b"));
    expect(await failureOf(signParts(ann, staged.id, [1]))).toMatchObject({
      code: "already_ended",
      message: "All bytes of b have come; nothing more is taken.",
    });
  });

  test("an id that is none", async () => {
    expect(
      await new Visitor().ask(sign, {
        method: "POST",
        params: { id: "../../x" },
        body: { numbers: [1] },
        ...withToken(token),
      }),
    ).toMatchObject({ status: 400 });
    expect(await failureOf(getUpload(ann, randomUUID()))).toMatchObject({ code: "not_found" });
  });
});

test("a list of unfinished uploads comes in pages, the newest first", async () => {
  const ids: string[] = [];
  for (let i = 0; i < 5; i++) ids.unshift((await beginUpload(ann, model, { path: `${i}`, size: 1 })).id);
  await abortUpload(ann, ids[4]!);
  const first = await listUploads(ann, model, { limit: 3 });
  expect(first.items.map(({ id }) => id)).toEqual(ids.slice(0, 3));
  const second = await listUploads(ann, model, { limit: 3, cursor: first.next! });
  expect([second.items.map(({ id }) => id), second.next]).toEqual([[ids[3]], null]);
});

describe("a commit takes", () => {
  const take = async (...ids: string[]) => {
    const repo = await requireWrite(ann, model);
    return inTransaction(database(), (transaction) => takeVerified(transaction, repo, ids));
  };

  test("what is verified, and nothing else", async () => {
    const id = await stageUpload(ann, "ann/model", "a.txt", Buffer.from("a"));
    expect(await failureOf(take(id))).toMatchObject({
      code: "conflict",
      message: "The upload of a.txt is not complete; send all its parts, complete it, and wait until it is verified.",
    });
    await completeUpload(ann, id);
    expect(await failureOf(take(id))).toMatchObject({
      code: "upload_not_ready",
      message: "a.txt is still being read; send the commit again in a moment.",
    });
    await hashUpload(id);
    expect(await take(id)).toEqual(new Map([[id, { sha256: sha256Of("a"), size: 1, path: "a.txt" }]]));
    await abortUpload(ann, id);
    expect(await failureOf(take(id))).toMatchObject({
      code: "already_ended",
      message: "The upload of a.txt has ended (aborted). Begin a new one.",
    });
  });

  test("not what failed, with why", async () => {
    const { id } = await stageWhole(ann, "ann/model", "a.ckpt", Buffer.from("\x80\x02", "latin1"));
    await hashUpload(id);
    expect(await failureOf(take(id))).toMatchObject({
      code: "already_ended",
      message: expect.stringMatching(
        /^The upload of a\.ckpt failed: a\.ckpt is a Python pickle, .+ Begin a new one\.$/,
      ) as string,
    });
  });

  test("not what was meant for another repo", async () => {
    const { id } = await stageWhole(ann, "ann/other", "a.txt", Buffer.from("a"));
    await hashUpload(id);
    expect(await failureOf(take(id))).toMatchObject({
      code: "not_found",
      message: `There is no upload ${id} to ann/model; begin one.`,
    });
  });
});

test("an upload to a repo that was deleted is gone", async () => {
  await createRepo(ann, { owner: "ann", name: "short", kind: "finetune", visibility: "public" });
  const { id } = await beginUpload(ann, { owner: "ann", repo: "short" }, { path: "a", size: 1 });
  await deleteRepo(ann, { owner: "ann", repo: "short" });
  for (const work of [getUpload, completeUpload, abortUpload])
    expect(await failureOf(work(ann, id))).toMatchObject({ code: "not_found" });
  expect(await failureOf(signParts(ann, id, [1]))).toMatchObject({ code: "not_found" });
});

test.each([
  ["a.safetensors", 1, true],
  ["A.SafeTensors", 1, true],
  ["a.json", 2 ** 20 - 1, false],
  ["a.json", 2 ** 20, true],
  ["safetensors", 1, false],
])("%s of %i bytes is named by its sha256: %s", (path, size, lfs) => expect(isLfs(path, size)).toBe(lfs));
