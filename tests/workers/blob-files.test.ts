import { type ChildProcess, spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { existsSync, readdirSync, statSync } from "node:fs";
import { mkdtemp, readFile, rm, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { newObjectKey } from "#lib/storage/keys.ts";
import { S3Store } from "#lib/storage/s3.ts";
import { BlobCache } from "#workers/files/blob-cache.ts";
import { blobFiles } from "#workers/files/blob-files.ts";
import type { StoredBlob } from "#workers/files/fetch-blob.ts";
import { serveDiskStore } from "../support/disk-store.ts";
import { type FaultProxy, startFaultProxy } from "../support/fault-proxy.ts";
import { testOnS3 } from "../support/on-s3.ts";
import { noS3Server, type S3Server, startS3Server } from "../support/s3-server.ts";

const hashOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex");

test("on the disk store a blob's file is the object itself", async () => {
  const served = await serveDiskStore();
  const [storageKey, bytes] = [newObjectKey(), randomBytes(1000)];
  await served.store.put(storageKey, bytes);
  const blob: StoredBlob = { sha256: hashOf(bytes), size: 1000, storageKey };
  const { path, release } = await blobFiles().path(blob);
  expect(path).toBe(served.store.pathOf(storageKey));
  expect(await readFile(path)).toEqual(bytes);
  release();
  expect(existsSync(path)).toBe(true);

  const lost = `The store does not have the 1000 bytes of ${blob.sha256}; run guidepost fsck, and put that object back from a backup.`;
  await truncate(path, 999);
  await expect(blobFiles().path(blob)).rejects.toMatchObject({ code: "internal", message: lost });
  await served.store.delete(storageKey);
  await expect(blobFiles().path(blob)).rejects.toMatchObject({ code: "internal", message: lost });
  await served.close();
});

describe("of a store elsewhere:", () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let store: S3Store;
  let folder: string;
  const children: ChildProcess[] = [];
  const limits = { attempts: 1 };

  beforeAll(async () => {
    if (noS3Server) return;
    server = await startS3Server();
    proxy = await startFaultProxy(server.settings.endpoint);
    store = new S3Store({ ...server.settings, endpoint: proxy.url }, limits);
  });
  beforeEach(async () => void (folder = await mkdtemp(join(tmpdir(), "guidepost-cache-"))));
  afterEach(async () => {
    proxy?.clear();
    for (const child of children.splice(0)) {
      child.kill("SIGKILL");
      if (child.exitCode === null && child.signalCode === null) await once(child, "close");
    }
    await rm(folder, { recursive: true });
  });
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  async function keep(bytes: Uint8Array): Promise<StoredBlob> {
    const storageKey = newObjectKey();
    await new S3Store(server.settings).put(storageKey, bytes);
    return { sha256: hashOf(bytes), size: bytes.length, storageKey };
  }

  /** How often the store has been asked for bytes of a blob. */
  const asked = ({ storageKey }: StoredBlob): number =>
    proxy.seen.filter((line) => line.startsWith("GET") && line.includes(storageKey)).length;
  const cacheOf = (limit = 1e9): BlobCache => new BlobCache(store, folder, limit);
  const cached = (): string[] => readdirSync(folder).filter((name) => /^[0-9a-f]{64}$/.test(name));
  const arriving = (): string[] => readdirSync(join(folder, "arriving"));

  /** A worker of its own with the same folder, which prints the path of a blob and then keeps it. */
  function startHolder(blob: StoredBlob): ChildProcess {
    const code = `import { S3Store } from "#lib/storage/s3.ts"; import { BlobCache } from "#workers/files/blob-cache.ts";
      const store = new S3Store(${JSON.stringify({ ...server.settings, endpoint: proxy.url })}, ${JSON.stringify(limits)});
      const { path } = await new BlobCache(store, ${JSON.stringify(folder)}, 1e9).path(${JSON.stringify(blob)});
      console.log(path); setInterval(() => {}, 1000);`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", code], {
      stdio: ["ignore", "pipe", "inherit"],
      env: { ...process.env, LOG_LEVEL: "error" },
    });
    children.push(child);
    return child;
  }

  const pathFrom = async (child: ChildProcess): Promise<string> =>
    ((await once(child.stdout!, "data")) as [Buffer])[0].toString().trim();

  testOnS3("many blobs arrive at once, while others have just arrived", async () => {
    const blobs = await Promise.all(Array.from({ length: 60 }, () => keep(randomBytes(2000))));
    const cache = cacheOf();
    for (let round = 0; round < 10; round++) {
      const files = await Promise.all(blobs.map(async (blob, index) => (await sleep(index % 7), cache.path(blob))));
      expect(await Promise.all(files.map(async ({ path }) => hashOf(await readFile(path))))).toEqual(
        blobs.map(({ sha256 }) => sha256),
      );
      for (const { release } of files) release();
      for (const name of cached()) await rm(join(folder, name));
    }
    expect(arriving()).toEqual([]);
  });

  testOnS3("it is fetched once, by ranges, and is there after a restart", async () => {
    const bytes = randomBytes(40 * 2 ** 20 + 1);
    const blob = await keep(bytes);
    const cache = cacheOf();
    const all = await Promise.all([1, 2, 3, 4, 5].map(() => cache.path(blob)));
    for (const { path } of all) expect(path).toBe(all[0]!.path);
    expect(bytes.equals(await readFile(all[0]!.path))).toBe(true);
    expect(asked(blob)).toBe(3);
    for (const { release } of all) release();
    expect(existsSync(all[0]!.path)).toBe(false);

    (await cache.path(blob)).release();
    expect(bytes.equals(await readFile(await pathFrom(startHolder(blob))))).toBe(true);
    expect(asked(blob)).toBe(3);
    expect(arriving()).toEqual([]);
  });

  testOnS3("an empty one is a file too", async () => {
    const { path } = await cacheOf().path(await keep(new Uint8Array()));
    expect(statSync(path).size).toBe(0);
  });

  testOnS3("processes that want it at once fetch it once", async () => {
    const bytes = randomBytes(33 * 2 ** 20);
    const blob = await keep(bytes);
    proxy.inject({ method: "GET" }, { kind: "delay", ms: 400 }); // so that all of them come before the first is done
    const paths = await Promise.all([1, 2, 3].map(() => pathFrom(startHolder(blob))));
    expect(new Set(paths).size).toBe(3); // each has a name of its own
    for (const path of paths) expect(bytes.equals(await readFile(path))).toBe(true);
    expect(asked(blob)).toBe(3);
    expect(cached()).toEqual([blob.sha256]);
  });

  testOnS3("when the process that fetches it is killed, another goes on", async () => {
    const bytes = randomBytes(2 ** 20);
    const blob = await keep(bytes);
    proxy.inject({ method: "GET" }, { kind: "hang" });
    const first = startHolder(blob);
    while (asked(blob) === 0) await sleep(10);
    const waiting = cacheOf().path(blob);
    await sleep(200);
    expect(asked(blob)).toBe(1); // it waits for the first
    first.kill("SIGKILL");
    expect(await readFile((await waiting).path)).toEqual(bytes);
    expect([arriving(), cached()]).toEqual([[], [blob.sha256]]);
  });

  testOnS3("a connection that breaks is taken up again; a store that stays away is told", async () => {
    const bytes = randomBytes(2 ** 20);
    const blob = await keep(bytes);
    proxy.inject({ method: "GET" }, { kind: "cut", after: 500_000 });
    const { path, release } = await cacheOf().path(blob);
    expect(await readFile(path)).toEqual(bytes);
    release();

    const other = await keep(randomBytes(100));
    proxy.inject({ method: "GET", times: 10 }, { kind: "reset" });
    await expect(cacheOf().path(other)).rejects.toMatchObject({ code: "storage_unavailable" });
    expect(arriving()).toEqual([]);
    proxy.clear();
    (await cacheOf().path(other)).release();
  });

  testOnS3("bytes that are not the blob's leave nothing, and are told", async () => {
    const cache = cacheOf();
    const blob = await keep(randomBytes(1000));
    const wrong = { ...blob, sha256: hashOf(randomBytes(8)) };
    await expect(cache.path(wrong)).rejects.toMatchObject({
      code: "bytes_differ",
      detail: { expected: wrong.sha256, actual: blob.sha256 },
    });
    for (const lost of [
      { ...blob, size: 1001 },
      { ...blob, storageKey: newObjectKey() },
    ])
      await expect(cache.path(lost)).rejects.toMatchObject({ code: "internal" });
    expect([arriving(), cached()]).toEqual([[], []]);
  });

  testOnS3("a file that somebody cut is fetched again", async () => {
    const bytes = randomBytes(1000);
    const blob = await keep(bytes);
    (await cacheOf().path(blob)).release();
    await truncate(join(folder, blob.sha256), 10);
    expect(await readFile((await cacheOf().path(blob)).path)).toEqual(bytes);
  });

  testOnS3("a cache that somebody emptied fills again", async () => {
    const [cache, bytes] = [cacheOf(), randomBytes(1000)];
    const blob = await keep(bytes);
    (await cache.path(blob)).release();
    for (const lost of ["held", "arriving", blob.sha256]) {
      await rm(join(folder, lost), { recursive: true });
      const { path, release } = await cache.path(blob);
      expect(await readFile(path)).toEqual(bytes);
      release();
    }
  });

  testOnS3("what was used least recently goes first, and nothing that is in use", async () => {
    const cache = cacheOf(3000);
    const blobs = await Promise.all([1, 2, 3, 4, 5, 6].map(() => keep(randomBytes(1000))));
    const [a, b, c, d, e, f] = blobs as [StoredBlob, StoredBlob, StoredBlob, StoredBlob, StoredBlob, StoredBlob];
    const use = async (blob: StoredBlob): Promise<void> => {
      (await cache.path(blob)).release();
      await sleep(10); // times of files are not finer than that
    };
    for (const blob of [a, b, c, a, d]) await use(blob);
    expect(new Set(cached())).toEqual(new Set([c, a, d].map(({ sha256 }) => sha256)));

    const held = await cache.path(c); // here
    const elsewhere = startHolder(a);
    const path = await pathFrom(elsewhere); // and by another process
    for (const blob of [e, f]) await use(blob);
    expect(new Set(cached())).toEqual(new Set([c, a, f].map(({ sha256 }) => sha256)));
    expect([existsSync(held.path), existsSync(path)]).toEqual([true, true]);

    held.release();
    held.release(); // is no other's release
    elsewhere.kill("SIGKILL");
    await once(elsewhere, "close");
    const restarted = cacheOf(3000);
    for (const blob of [b, d, e]) (await restarted.path(blob)).release(); // what the killed one held is free again
    expect(new Set(cached())).toEqual(new Set([b, d, e].map(({ sha256 }) => sha256)));
  });

  testOnS3("one that is larger than the limit is there while it is in use", async () => {
    const cache = cacheOf(3000);
    const [small, large] = [await keep(randomBytes(1000)), await keep(randomBytes(10_000))];
    (await cache.path(small)).release();
    const held = await cache.path(large);
    expect(cached()).toEqual([large.sha256]);
    held.release();
    (await cache.path(small)).release();
    expect(cached()).toEqual([small.sha256]);
  });
});
