import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { afterAll, describe, expect, test } from "vitest";
import { ContentHasher, namesOf } from "#lib/catalog/blobs/hasher.ts";
import { findBlobByHash, getBlob, storeBytes } from "#lib/catalog/blobs/service.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { storedKeys } from "../../support/sound-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { sha256Of, weightsOf } from "../../support/upload-client.ts";

const hub = await useTempHub({ GUIDEPOST_GRACE: "365d" });
afterAll(() => hub.close());

test("eight who store the same content at once have one blob, and what the others put is swept away", async () => {
  const content = Buffer.from("at once");
  const stored = await Promise.all(Array.from({ length: 8 }, () => storeBytes(content)));
  expect(new Set(stored.map(({ sha256, size }) => `${sha256} ${size}`))).toEqual(new Set([`${sha256Of(content)} 7`]));
  const blob = await getBlob(sha256Of(content));
  expect(await objectStore().head(blob.storageKey)).toEqual({ size: 7, tag: blob.storageTag });
  expect(blob.gitSha1).toBe(createHash("sha1").update("blob 7\0at once").digest("hex"));
  const before = await storedKeys();
  await storeBytes(content);
  expect(await storedKeys()).toEqual(before); // known: nothing is put
  const report = await sweep(new Date(Date.now() + 366 * 86_400_000));
  expect(report).toMatchObject({ objects: before.length - 1, failed: [] });
  expect(await storedKeys()).toEqual([blob.storageKey]);
});

test("a content is found by its names", async () => {
  const { sha256 } = await storeBytes(Buffer.from("named"));
  const crc = crc32("named").toString(16).padStart(8, "0");
  expect(await findBlobByHash("sha256", sha256)).toMatchObject({ sha256, size: 5 });
  expect(await findBlobByHash("crc32", crc)).toMatchObject({ sha256 });
  expect([
    await findBlobByHash("autov2", sha256.slice(0, 10)),
    await findBlobByHash("sha256", sha256Of("other")),
  ]).toEqual([null, null]);
  await expect(getBlob(sha256Of("other"))).rejects.toMatchObject({ code: "not_found" });
});

describe("the names of a content do not depend on the pieces it comes in", () => {
  test.each([0x110000 + 7, 0x110000, 0x110000 - 1, 500])("weights of %i bytes", (size) => {
    const bytes = weightsOf(size, 7);
    bytes.forEach((_, i) => i >= 128 && (bytes[i] = (i * 31) & 255));
    const sha256 = sha256Of(bytes);
    const tensors = sha256Of(bytes.subarray(128));
    const expected = new Map([
      ["crc32", crc32(bytes).toString(16).padStart(8, "0")],
      ["autov2", sha256.slice(0, 10)],
      ["autov3", tensors.slice(0, 12)],
      ["tensors", tensors],
      ...(size >= 0x110000 ? [["autov1", sha256Of(bytes.subarray(0x100000, 0x110000)).slice(0, 8)] as const] : []),
    ]);
    for (const piece of [size, 64 * 1024, 1_000_003, 127, 5]) {
      const hasher = new ContentHasher(size);
      for (let at = 0; at < size; at += piece) hasher.update(bytes.subarray(at, at + piece));
      expect(namesOf(hasher.digest(), true)).toEqual({
        sha256,
        gitSha1: createHash("sha1").update(`blob ${size}\0`).update(bytes).digest("hex"),
        others: expected,
      });
    }
  });
});
