import { randomUUID } from "node:crypto";
import { mkdir, rm, rmdir, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { createCommit, headOf } from "#lib/catalog/commits/service.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import { createRef } from "#lib/catalog/refs/service.ts";
import { sweepStore } from "#lib/catalog/sweep/service.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { alone } from "#lib/db/alone.ts";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { newPerson } from "../../support/actors.ts";
import { expectSound, openMultiparts, storedKeys } from "../../support/sound-hub.ts";
import { stageWhole } from "../../support/stage-upload.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of } from "../../support/upload-client.ts";

const hub = await useTempHub({ GUIDEPOST_GRACE: "2d", GUIDEPOST_UPLOAD_TIME: "365d" });
const HOUR = 3_600_000;
const DAY = 24 * HOUR;
let ann: Person;
/** A clock that only goes forward, as the sweeper's does. */
let clock = Date.now();
const later = (ms: number): Date => new Date((clock += ms));

beforeAll(async () => void (ann = await newPerson("ann")));
afterAll(() => hub.close());

async function newModel(): Promise<{ owner: string; repo: string }> {
  const name = `model-${randomUUID().slice(0, 8)}`;
  await createRepo(ann, { owner: "ann", name, kind: "finetune", visibility: "public" });
  return { owner: "ann", repo: name };
}

const add = (repo: { owner: string; repo: string }, path: string, content: string) =>
  createCommit(ann, repo, { title: "Change", operations: [{ op: "add", path, content }] });
const isStored = async (content: string): Promise<boolean> => {
  const row = await database().blob.findUnique({ where: { sha256: sha256Of(content) }, select: { storageKey: true } });
  return row !== null && (await objectStore().head(row.storageKey)) !== null;
};

describe("bytes that nothing names", () => {
  test("go after the grace, and not before", async () => {
    await storeBytes(Buffer.from("unnamed"));
    await sweep(later(HOUR));
    await sweep(later(1.9 * DAY));
    expect(await isStored("unnamed")).toBe(true);
    expect(await sweep(later(0.2 * DAY))).toMatchObject({ blobs: 1, bytes: 7 });
    expect(await isStored("unnamed")).toBe(false);
    expect(await sweep(later(1000))).toMatchObject({ blobs: 0 });
  });

  test("have the whole grace again when they are stored again", async () => {
    await storeBytes(Buffer.from("again"));
    await sweep(later(HOUR));
    await sweep(later(1.9 * DAY));
    await storeBytes(Buffer.from("again"));
    await sweep(later(0.2 * DAY));
    await sweep(later(1.9 * DAY));
    expect(await isStored("again")).toBe(true);
    await sweep(later(0.2 * DAY));
    expect(await isStored("again")).toBe(false);
  });

  test("stay when a commit names them in time, and lose what they had of the grace", async () => {
    const repo = await newModel();
    await storeBytes(Buffer.from("named"));
    await sweep(later(HOUR));
    await add(repo, "a.txt", "named");
    await sweep(later(10 * DAY));
    expect(await isStored("named")).toBe(true);
    expect(await database().blob.findUnique({ where: { sha256: sha256Of("named") } })).toMatchObject({
      unusedSince: null,
    });
  });

  test("and whose object is gone already, or was deleted by a sweep that was killed", async () => {
    for (const content of ["gone", "marked"]) await storeBytes(Buffer.from(content));
    await sweep(later(HOUR));
    const { storageKey } = await database().blob.findUniqueOrThrow({ where: { sha256: sha256Of("gone") } });
    await objectStore().delete(storageKey);
    await database().blob.update({ where: { sha256: sha256Of("marked") }, data: { purgingAt: new Date() } });
    const failure = await storeBytes(Buffer.from("marked")).catch((cause: AppError) => cause);
    expect(failure).toMatchObject({ code: "upload_not_ready", detail: { retryAfter: 60 } });
    expect(await sweep(later(1000))).toMatchObject({ blobs: 1 }); // begun before, so not waited for
    await storeBytes(Buffer.from("marked"));
    expect(await isStored("marked")).toBe(true);
    await sweep(later(3 * DAY));
    expect(await database().blob.count({ where: { sha256: sha256Of("gone") } })).toBe(0);
  });

  test("that are read by a worker while they are purged are tried again", async () => {
    const repo = await newModel();
    await storeBytes(Buffer.from("reborn"));
    await sweep(later(HOUR));
    await database().blob.update({ where: { sha256: sha256Of("reborn") }, data: { purgingAt: new Date() } });
    const { id } = await stageWhole(ann, `ann/${repo.repo}`, "a.txt", Buffer.from("reborn"));
    expect(await hashUpload(id)).toMatchObject({ code: "upload_not_ready" });
    await sweep(later(1000));
    expect(await hashUpload(id)).toBeNull();
    expect(await isStored("reborn")).toBe(true);
  });
});

test("purging and naming the same bytes at once: a commit that was told it is there has its bytes", async () => {
  const repo = await newModel();
  let [made, told] = [0, 0];
  for (let round = 0; round < 25; round++) {
    const content = `raced ${round}`;
    await storeBytes(Buffer.from(content));
    await database().blob.update({ where: { sha256: sha256Of(content) }, data: { unusedSince: new Date(0) } });
    const [commit] = await Promise.allSettled([
      add(repo, `${round}.txt`, content),
      sweep(new Date(clock)),
      sweep(new Date(clock)),
    ]);
    if (commit.status === "fulfilled") made++;
    else if (["upload_not_ready", "not_found"].includes((commit.reason as AppError).code)) told++;
    else throw commit.reason as Error;
    if (commit.status === "fulfilled") expect(await isStored(content)).toBe(true);
  }
  expect(made + told).toBe(25);
  await expectSound();
});

describe("a repo that was deleted", () => {
  test("goes after the grace with its uploads and rows, and then its bytes, but not those that others have", async () => {
    const [gone, other] = [await newModel(), await newModel()];
    await add(gone, "a.txt", "mine");
    await add(gone, "b.txt", "ours");
    await add(other, "b.txt", "ours");
    const verified = await stageWhole(ann, `ann/${gone.repo}`, "c.txt", Buffer.from("uploaded"));
    await hashUpload(verified.id);
    const open = await beginUpload(ann, gone, { path: "d.safetensors", size: 1000 });
    const { id } = await database().repo.findFirstOrThrow({ where: { name: gone.repo } });
    await createRef(ann, gone, { name: "v1", kind: "tag", revision: (await headOf(id))! });
    await deleteRepo(ann, gone);
    const deletedAt = Date.now();
    clock = Math.max(clock, deletedAt);

    await database().repo.update({ where: { id }, data: { deletedAt: new Date(clock) } });
    await sweep(later(1.9 * DAY));
    expect(await database().repo.count({ where: { id } })).toBe(1);
    expect(
      await database().upload.findMany({ where: { id: { in: [verified.id, open.id] } }, select: { state: true } }),
    ).toEqual([{ state: "expired" }, { state: "expired" }]);
    expect(await sweep(later(0.2 * DAY))).toMatchObject({ repos: 1 });
    expect(await database().commit.count({ where: { repoId: id } })).toBe(0);
    expect(await database().outbox.count({ where: { kind: "repo.purge", subjectId: id, actorId: null } })).toBe(1);
    await sweep(later(2.1 * DAY));
    expect([await isStored("mine"), await isStored("uploaded"), await isStored("ours")]).toEqual([false, false, true]);
    await expectSound(new Date(clock));
  });
});

describe("what no row names", () => {
  const { folder } = hub;

  async function strayObject(age: number): Promise<string> {
    const key = newObjectKey();
    await objectStore().put(key, Buffer.from("stray"));
    const time = new Date(clock - age);
    await utimes((objectStore() as DiskStore).pathOf(key), time, time);
    return key;
  }

  test("an object goes when it is older than the grace", async () => {
    const [old, young] = [await strayObject(2.1 * DAY), await strayObject(1.5 * DAY)];
    expect(await sweep(later(1.1 * HOUR))).toMatchObject({ objects: 1 });
    expect(await storedKeys()).toContain(young);
    expect(await storedKeys()).not.toContain(old);
  });

  test("an upload at the store goes after a day; one of an upload that goes on stays", async () => {
    const repo = await newModel();
    const { id } = await beginUpload(ann, repo, { path: "a.safetensors", size: 1000 });
    const { storageId } = await database().upload.findUniqueOrThrow({ where: { id } });
    clock = Math.max(clock, Date.now());
    await objectStore().beginMultipart(newObjectKey());
    expect(await sweep(later(25 * HOUR))).toMatchObject({ multiparts: 1 });
    expect(await openMultiparts()).toEqual([storageId]);
    await database().upload.update({ where: { id }, data: { state: "aborted" } });
  });

  test("files that are not ours are left alone", async () => {
    const file = join(folder, "objects", "notes.txt");
    await writeFile(file, "mine");
    await utimes(file, new Date(0), new Date(0));
    await sweep(later(2 * DAY));
    await expect(rm(file)).resolves.toBeUndefined();
  });
});

test("previews whose time is over go with their pictures, the others stay", async () => {
  const repo = await newModel();
  await add(repo, "a.txt", "model");
  const { id: repoId } = await database().repo.findFirstOrThrow({ where: { name: repo.repo } });
  const finetuneCommitId = (await headOf(repoId))!;
  const { id: unitId } = await database().unit.create({ data: { id: "1".repeat(64), hash: "1".repeat(64) } });
  const [over, kept] = await Promise.all(
    [new Date(clock - 1), null].map(async (expiresAt, i) => {
      const { sha256 } = await storeBytes(Buffer.from(`picture ${i}`));
      const image = {
        mode: "cfg" as const,
        seed: 1,
        attempt: 1,
        blobSha256: sha256,
        width: 8,
        height: 8,
        passes: 2,
        milliseconds: 5,
      };
      return database().preview.create({
        data: {
          userId: ann.userId,
          unitId,
          finetuneCommitId,
          recipe: {},
          expiresAt,
          state: "queued",
          images: { create: image },
        },
      });
    }),
  );
  expect(await sweep(later(0))).toMatchObject({ previews: 1 });
  expect(
    await database().preview.findMany({ where: { id: { in: [over!.id, kept!.id] } }, select: { id: true } }),
  ).toEqual([{ id: kept!.id }]);
  await sweep(later(2 * HOUR));
  await sweep(later(3 * DAY));
  expect([await isStored("picture 0"), await isStored("picture 1")]).toEqual([false, true]);
  await database().preview.deleteMany();
});

test("rows that time has ended are forgotten", async () => {
  const repo = await newModel();
  const { id: repoId } = await database().repo.findFirstOrThrow({ where: { name: repo.repo } });
  const days = [1, 4].map((ago) => new Date(clock - ago * DAY));
  await database().downloadSeen.createMany({
    data: days.map((day) => ({ repoId, day, visitor: sha256Of("visitor") })),
  });
  const failed = await stageWhole(ann, `ann/${repo.repo}`, "a.ckpt", Buffer.from("\x80\x02", "latin1"));
  await hashUpload(failed.id);
  await sweep(later(1000));
  expect(await database().downloadSeen.count({ where: { repoId } })).toBe(1);
  expect(await database().upload.count({ where: { id: failed.id } })).toBe(1);
  await sweep(later(31 * DAY));
  expect(await database().upload.count({ where: { id: failed.id } })).toBe(0);
});

test("one sweep at a time; the others say so at once", async () => {
  const [begun, end] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  const first = alone("sweep", () => (begun.resolve(), end.promise));
  await begun.promise;
  expect(await sweep(new Date(clock))).toBeNull();
  end.resolve();
  await first;
  expect(await sweep(new Date(clock))).not.toBeNull();
});

test("a part that fails does not keep the others from their work", async () => {
  const repo = await newModel();
  const { id } = await beginUpload(ann, repo, { path: "a.safetensors", size: 1000 });
  const { storageKey } = await database().upload.findUniqueOrThrow({ where: { id } });
  await database().upload.update({ where: { id }, data: { state: "aborted" } });
  const inTheWay = (objectStore() as DiskStore).pathOf(storageKey);
  await mkdir(inTheWay, { recursive: true });
  const { sha256 } = await storeBytes(Buffer.from("other"));
  await database().blob.update({ where: { sha256 }, data: { unusedSince: new Date(0) } });
  expect(await sweep(new Date(clock))).toMatchObject({ failed: ["uploads"], blobs: 1 });
  await rmdir(inTheWay);
  expect(await sweep(new Date(clock))).toMatchObject({ failed: [], cleared: 1 });
  expect(await objectStore().head(storageKey)).toBeNull();
});

test("the store is listed once an hour for the whole hub, whichever worker sweeps", async () => {
  const [begin, key] = [later(30 * DAY).getTime(), newObjectKey()];
  await sweepStore(new Date(begin));
  await objectStore().put(key, Buffer.from("named by nobody"));
  expect(await sweepStore(new Date(begin + 0.9 * HOUR))).toEqual({ objects: 0, multiparts: 0 }); // another listed it within the hour
  expect(await objectStore().head(key)).not.toBeNull();
  expect((await sweepStore(later(HOUR))).objects).toBeGreaterThanOrEqual(1);
  expect(await objectStore().head(key)).toBeNull();
});
