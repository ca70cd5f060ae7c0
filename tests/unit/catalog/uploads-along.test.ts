import { open } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { ContentHasher } from "#lib/catalog/blobs/hasher.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { createToken } from "#lib/auth/token.ts";
import { PART_BYTES, type UploadView } from "#lib/catalog/uploads/schema.ts";
import { database } from "#lib/db/client.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../../support/actors.ts";
import { serveApp } from "../../support/serve-app.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of, UploadClient, weightsOf } from "../../support/upload-client.ts";

const server = await serveApp();
const hub = await useTempHub({ GUIDEPOST_URL: server.url });
let client: UploadClient;
let ann: Person;

beforeAll(async () => {
  ann = await newPerson("ann");
  client = new UploadClient(server.url, (await createToken(ann, { name: "test", scopes: ["read", "write"] })).secret);
  await createRepo(ann, { owner: "ann", name: "model", kind: "finetune", visibility: "public" });
});
afterAll(async () => {
  await server.close();
  await hub.close();
});

const large = (seed: number): Buffer => weightsOf(2 * PART_BYTES + 12_345, seed);

async function begin(path: string, bytes: Uint8Array): Promise<string> {
  return ((await client.begin("ann/model", { path, size: bytes.byteLength })).body as UploadView).id;
}

const rowOf = (id: string) => database().upload.findUniqueOrThrow({ where: { id } });

/** What is known of an upload once it is complete, before a worker has taken it. */
async function digestAfter(id: string): Promise<unknown> {
  expect((await client.complete(id)).status).toBe(202);
  return (await rowOf(id)).digest;
}

function digestOf(bytes: Uint8Array): unknown {
  const hasher = new ContentHasher(bytes.byteLength);
  hasher.update(bytes);
  return hasher.digest();
}

async function verified(id: string): Promise<UploadView> {
  await hashUpload(id);
  return (await client.get(id)).body as UploadView;
}

test("parts that come out of order are hashed in order, and the worker does not read them again", async () => {
  const bytes = large(1);
  const id = await begin("a.safetensors", bytes);
  expect(await client.send(id, bytes, [3, 1, 2])).toEqual([200, 200, 200]);
  expect(await digestAfter(id)).toEqual(digestOf(bytes));
  // What a worker would find if it read all: it finds what came.
  const { storageKey } = await rowOf(id);
  const file = await open((objectStore() as DiskStore).pathOf(storageKey), "r+");
  await file.write(Buffer.from([bytes[PART_BYTES]! ^ 1]), 0, 1, PART_BYTES);
  await file.close();
  expect(await verified(id)).toMatchObject({ state: "verified", sha256: sha256Of(bytes) });
});

test("a part that was sent again with other bytes after it was read is what counts", async () => {
  const [first, second] = [large(2), large(3)];
  const id = await begin("b.safetensors", first);
  expect(await client.send(id, first, [1, 2])).toEqual([200, 200]);
  expect(await client.send(id, second, [1])).toEqual([200]);
  expect(await client.send(id, first, [3])).toEqual([200]);
  const bytes = Buffer.concat([second.subarray(0, PART_BYTES), first.subarray(PART_BYTES)]);
  expect(await digestAfter(id)).toSatisfy(
    (digest) => digest === null || (digest as { sha256: string }).sha256 === sha256Of(bytes),
  );
  expect(await verified(id)).toMatchObject({ state: "verified", sha256: sha256Of(bytes) });
});

test("parts that another process took are read here at the end", async () => {
  const bytes = large(4);
  const id = await begin("c.safetensors", bytes);
  await client.send(id, bytes, [1]);
  const { storageKey, storageId } = await rowOf(id);
  for (const number of [2, 3]) {
    const part = bytes.subarray((number - 1) * PART_BYTES, number * PART_BYTES);
    await (objectStore() as DiskStore).receivePart(
      storageKey,
      { storageId: storageId!, number, size: part.byteLength },
      (async function* () {
        yield part;
      })(),
    );
  }
  expect(await digestAfter(id)).toEqual(digestOf(bytes));
  expect(await verified(id)).toMatchObject({ state: "verified", sha256: sha256Of(bytes) });
});

test("one that lacks a part goes on where it was", async () => {
  const bytes = large(5);
  const id = await begin("d.safetensors", bytes);
  await client.send(id, bytes, [1, 3]);
  expect((await client.complete(id)).status).toBe(422);
  await client.send(id, bytes, [2]);
  expect(await digestAfter(id)).toEqual(digestOf(bytes));
});

test("an announced sha256 that is not that of the bytes fails as before, and so does what is no text", async () => {
  const bytes = large(6);
  const { id } = (
    await client.begin("ann/model", { path: "e.safetensors", size: bytes.byteLength, sha256: sha256Of("x") })
  ).body as UploadView;
  await client.send(id, bytes, [1, 2, 3]);
  await digestAfter(id);
  expect(await verified(id)).toMatchObject({
    state: "failed",
    problem: expect.stringContaining("announced with the sha256"),
  });

  const text = await begin("f.txt", Buffer.from("ab\xff", "latin1"));
  await client.send(text, Buffer.from("ab\xff", "latin1"), [1]);
  expect(await digestAfter(text)).toMatchObject({ isText: false });
  expect(await verified(text)).toMatchObject({ state: "failed" });
});
