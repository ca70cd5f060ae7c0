import { randomBytes } from "node:crypto";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { newObjectKey } from "#lib/storage/keys.ts";
import { type DownloadOptions, MIN_PART_BYTES, type ObjectStore, type StoredPart } from "#lib/storage/store.ts";

export interface Subject {
  readonly store: ObjectStore;
  close(): Promise<void>;
}

/**
 * What every ObjectStore keeps to, from outside: signed URLs are fetched as a browser or curl would. `open` starts with an empty
 * store, whose listings come in pages of less than five where it has pages.
 */
export function objectStoreContract(name: string, open: () => Promise<Subject>, skipped: string | null = null): void {
  describe(`${name} keeps the contract:`, () => {
    let subject: Subject;
    let store: ObjectStore;
    const keys: string[] = [];

    beforeAll(async () => {
      if (skipped) return;
      subject = await open();
      ({ store } = subject);
    });
    afterAll(() => subject?.close());
    afterEach(async () => {
      for (const key of keys.splice(0)) await store.delete(key);
    });

    const it = (title: string, work: () => Promise<void>): void =>
      test(title, async ({ skip }) => {
        if (skipped) skip(skipped);
        await work();
      });

    function newKey(): string {
      const key = newObjectKey();
      keys.push(key);
      return key;
    }

    async function begin(): Promise<{ key: string; id: string }> {
      const key = newKey();
      return { key, id: await store.beginMultipart(key) };
    }

    async function send(key: string, id: string, number: number, bytes: Uint8Array): Promise<StoredPart> {
      const response = await put(await store.signPart(key, id, { number, size: bytes.length }, 60), bytes);
      expect(response.status, await response.text()).toBe(200);
      return { number, size: bytes.length, tag: response.headers.get("etag")!.replaceAll('"', "") };
    }

    const contentOf = async (key: string, ...more: [{ begin: number; end: number }?]): Promise<Buffer> =>
      buffer(await store.read(key, ...more));
    const download = (key: string, options: Partial<DownloadOptions> = {}): Promise<string> =>
      store.signDownload(key, {
        fileName: "clay.safetensors",
        contentType: "application/octet-stream",
        disposition: "attachment",
        seconds: 60,
        ...options,
      });

    it("what is put is there until it is deleted", async () => {
      const [key, bytes] = [newKey(), randomBytes(1000)];
      expect(await store.head(key)).toBeNull();
      const facts = await store.put(key, bytes);
      expect(facts).toEqual({ size: 1000, tag: expect.stringMatching(/^[\w-]+$/) });
      expect(await store.head(key)).toEqual(facts);
      expect(await contentOf(key)).toEqual(bytes);

      await store.delete(key);
      await store.delete(key);
      expect(await store.head(key)).toBeNull();
      await expect(store.read(key)).rejects.toMatchObject({ code: "not_found" });
      expect((await fetch(await download(key))).status).toBe(404);
    });

    it("20 MB in parts, sent at once and out of order, come back byte by byte", async () => {
      const bytes = randomBytes(20 * 2 ** 20 + 17);
      const { key, id } = await begin();
      const sizes = [8 * 2 ** 20, MIN_PART_BYTES, 7 * 2 ** 20 + 17];
      const pieces = sizes.map((size, index) => {
        const from = sizes.slice(0, index).reduce((sum, each) => sum + each, 0);
        return { number: index + 1, bytes: bytes.subarray(from, from + size) };
      });
      const sent = await Promise.all(pieces.toReversed().map((piece) => send(key, id, piece.number, piece.bytes)));
      const parts = sent.toReversed();
      expect(await store.listParts(key, id)).toEqual(parts);
      expect(await store.head(key)).toBeNull(); // nothing is seen before it is whole

      const facts = await store.completeMultipart(key, id, parts);
      expect(facts.size).toBe(bytes.length);
      expect(await store.head(key)).toEqual(facts);
      expect(bytes.equals(await contentOf(key))).toBe(true);
      const response = await fetch(await download(key));
      expect(response.headers.get("etag")).toBe(`"${facts.tag}"`);
      expect(bytes.equals(new Uint8Array(await response.arrayBuffer()))).toBe(true);
    });

    it("an object may be empty, put or sent as a part", async () => {
      const put = newKey();
      await store.put(put, new Uint8Array());
      const { key, id } = await begin();
      await store.completeMultipart(key, id, [await send(key, id, 1, new Uint8Array())]);
      for (const each of [put, key]) {
        expect(await store.head(each)).toMatchObject({ size: 0 });
        expect(await contentOf(each)).toHaveLength(0);
        expect(await contentOf(each, { begin: 0, end: 0 })).toHaveLength(0);
        const response = await fetch(await download(each));
        expect([response.status, (await response.arrayBuffer()).byteLength]).toEqual([200, 0]);
      }
    });

    it("a part of another size than was signed is refused, and the right one is still taken", async () => {
      const { key, id } = await begin();
      const url = await store.signPart(key, id, { number: 1, size: 1000 }, 60);
      for (const size of [999, 1001, 0, 100_000])
        expect((await put(url, randomBytes(size))).ok, `${size} bytes`).toBe(false);
      expect(await store.listParts(key, id)).toEqual([]);
      expect((await put(url, randomBytes(1000))).status).toBe(200);
      await store.abortMultipart(key, id);
    });

    it("a URL is good for what it was signed for, and until it expires", async () => {
      const [{ key, id }, other] = [await begin(), await begin()];
      const bytes = randomBytes(1000);
      const url = await store.signPart(key, id, { number: 1, size: 1000 }, 60);
      for (const altered of alterations(url, key, other.key))
        expect((await put(altered, bytes)).ok, altered).toBe(false);
      expect((await fetch(url)).ok).toBe(false);
      expect((await fetch(url, { method: "DELETE" })).ok).toBe(false);
      for (const upload of [{ key, id }, other]) expect(await store.listParts(upload.key, upload.id)).toEqual([]);

      const [brief, wholeKey] = [await store.signPart(key, id, { number: 1, size: 1000 }, 1), newKey()];
      await store.put(wholeKey, bytes);
      const [good, briefDownload] = [await download(wholeKey), await download(wholeKey, { seconds: 1 })];
      for (const altered of alterations(good, wholeKey, key)) expect((await fetch(altered)).ok, altered).toBe(false);
      expect((await put(good, bytes)).ok).toBe(false);
      await sleep(2100);
      expect((await put(brief, bytes)).status).toBe(403);
      expect((await fetch(briefDownload)).status).toBe(403);
      expect((await fetch(good)).status).toBe(200);
      for (const upload of [{ key, id }, other]) await store.abortMultipart(upload.key, upload.id);
    });

    it("a part that is sent again replaces the first, whose tag is then refused", async () => {
      const { key, id } = await begin();
      const [first, second] = [await send(key, id, 1, randomBytes(50)), randomBytes(50)];
      const again = await send(key, id, 1, second);
      expect(await store.listParts(key, id)).toEqual([again]);
      await expect(store.completeMultipart(key, id, [first])).rejects.toMatchObject({ code: "bytes_differ" });
      await store.completeMultipart(key, id, [again]);
      expect(await contentOf(key)).toEqual(second);
    });

    it("parts that are missing, out of order or too small do not make an object, and can be made good", async () => {
      const { key, id } = await begin();
      const bytes = randomBytes(MIN_PART_BYTES);
      const [one, three] = [await send(key, id, 1, bytes), await send(key, id, 3, bytes)];
      const small = await send(key, id, 2, bytes.subarray(1));
      const refusals = [
        [],
        [one, { number: 4, tag: three.tag }],
        [three, one],
        [one, one],
        [small, three],
        [one, { number: 3, tag: small.tag }],
      ];
      for (const parts of refusals)
        await expect(store.completeMultipart(key, id, parts)).rejects.toMatchObject({ code: "bytes_differ" });
      expect(await store.head(key)).toBeNull();

      await store.completeMultipart(key, id, [one, three]); // what is not named is left out
      expect(Buffer.concat([bytes, bytes]).equals(await contentOf(key))).toBe(true);
    });

    it("completing is the same a second time, and two at once", async () => {
      for (const piecesOf of [1, 2]) {
        const { key, id } = await begin();
        const bytes = randomBytes(MIN_PART_BYTES * piecesOf);
        const parts: StoredPart[] = [];
        for (let number = 1; number <= piecesOf; number++)
          parts.push(
            await send(key, id, number, bytes.subarray((number - 1) * MIN_PART_BYTES, number * MIN_PART_BYTES)),
          );
        const late = await store.signPart(key, id, { number: 1, size: 10 }, 60);
        const all = await Promise.all([1, 2, 3].map(() => store.completeMultipart(key, id, parts)));
        all.push(await store.completeMultipart(key, id, parts));
        for (const facts of all) expect(facts).toEqual(all[0]);

        await expect(store.listParts(key, id)).rejects.toMatchObject({ code: "not_found" });
        expect((await put(late, randomBytes(10))).ok).toBe(false);
        await store.abortMultipart(key, id); // too late, and harmless
        expect(bytes.equals(await contentOf(key))).toBe(true);
      }
    });

    it("what was aborted takes no part, has none, and cannot be completed", async () => {
      const { key, id } = await begin();
      const part = await send(key, id, 1, randomBytes(10));
      const url = await store.signPart(key, id, { number: 2, size: 10 }, 60);
      await store.abortMultipart(key, id);
      await store.abortMultipart(key, id);
      expect((await put(url, randomBytes(10))).status).toBe(404);
      await expect(store.listParts(key, id)).rejects.toMatchObject({ code: "not_found" });
      await expect(store.completeMultipart(key, id, [part])).rejects.toMatchObject({ code: "not_found" });
      expect(await store.head(key)).toBeNull();
    });

    it("an upload that another store began, before the hub moved, is one that is not there", async () => {
      for (const id of ["0".repeat(32), "8fa16385-18b9-4ecc-b69a-9784fc777e66"]) {
        await expect(store.listParts(newKey(), id)).rejects.toMatchObject({ code: "not_found" });
        await store.abortMultipart(newKey(), id);
        expect((await put(await store.signPart(newKey(), id, { number: 1, size: 1 }, 60), randomBytes(1))).status).toBe(
          404,
        );
      }
    });

    it("ranges are read here and through a URL", async () => {
      const [key, bytes] = [newKey(), randomBytes(1000)];
      const { tag } = await store.put(key, bytes);
      expect(await contentOf(key, { begin: 10, end: 20 })).toEqual(bytes.subarray(10, 20));
      expect(await contentOf(key, { begin: 0, end: 1000 })).toEqual(bytes);
      expect(await contentOf(key, { begin: 5, end: 5 })).toHaveLength(0);
      for (const range of [
        { begin: 990, end: 1001 },
        { begin: 1000, end: 1001 },
        { begin: 1001, end: 1001 },
      ]) {
        await expect(store.read(key, range)).rejects.toMatchObject({ code: "range_not_satisfiable" });
      }

      const url = await download(key);
      const asked = (range: string): Promise<Response> => fetch(url, { headers: { range: `bytes=${range}` } });
      for (const [range, begin, end] of [
        ["0-9", 0, 10],
        ["990-", 990, 1000],
        ["990-2000", 990, 1000],
        ["-7", 993, 1000],
        ["-2000", 0, 1000],
      ] as const) {
        const response = await asked(range);
        expect([response.status, response.headers.get("content-range")], range).toEqual([
          206,
          `bytes ${begin}-${end - 1}/1000`,
        ]);
        expect(Buffer.from(await response.arrayBuffer())).toEqual(bytes.subarray(begin, end));
      }
      expect((await asked("1000-")).status).toBe(416);
      expect((await fetch(url, { headers: { "if-none-match": `"${tag}"` } })).status).toBe(304);
    });

    it("a download has the name and type that were signed, whatever they are", async () => {
      const key = newKey();
      await store.put(key, randomBytes(10));
      for (const fileName of [
        "clay.safetensors",
        'a "quoted" \\ name.txt',
        "Müll & 猫 🐈 100%.bin",
        "it's (1)*.txt",
        "a;b=c.txt",
        "line\r\nX-Injected: yes",
        "../../etc/passwd",
      ]) {
        for (const disposition of ["inline", "attachment"] as const) {
          const { headers } = await fetch(await download(key, { fileName, disposition, contentType: "text/plain" }));
          const [, kind, encoded] = /^(\w+); filename\*=UTF-8''(\S+); filename="(?:[^"\\]|\\.)*";$/.exec(
            headers.get("content-disposition")!,
          )!;
          expect([kind, decodeURIComponent(encoded!)]).toEqual([disposition, fileName.replaceAll(/[\r\n/\\]/g, "_")]);
          expect(headers.get("content-type")).toBe("text/plain");
          expect(headers.get("x-injected")).toBeNull();
        }
      }
    });

    it("the listings name every object and every upload, over all pages", async () => {
      const [objects, uploads] = [Array.from({ length: 5 }, newKey), [] as { key: string; id: string }[]];
      for (const [index, key] of objects.entries()) await store.put(key, randomBytes(index));
      for (let count = 0; count < 5; count++) uploads.push(await begin());
      const [first] = uploads as [(typeof uploads)[0]];

      const listed = await all(store.list());
      expect(new Set(listed.map(({ key }) => key))).toEqual(new Set(objects));
      expect(listed).toHaveLength(5);
      for (const { key, size, tag, modifiedAt } of listed) {
        expect(await store.head(key)).toEqual({ size, tag });
        expect(Math.abs(Date.now() - modifiedAt.getTime())).toBeLessThan(1_800_000); // no time zone is less
      }
      const open = await all(store.listMultiparts());
      expect(open.map(({ key, storageId }) => `${key} ${storageId}`).toSorted()).toEqual(
        uploads.map(({ key, id }) => `${key} ${id}`).toSorted(),
      );
      for (const { startedAt } of open) expect(Math.abs(Date.now() - startedAt.getTime())).toBeLessThan(1_800_000);

      for (let number = 1; number <= 5; number++) await send(first.key, first.id, number, randomBytes(number));
      expect((await store.listParts(first.key, first.id)).map(({ number, size }) => [number, size])).toEqual(
        [1, 2, 3, 4, 5].map((each) => [each, each]),
      );
      for (const { key, id } of uploads) await store.abortMultipart(key, id);
    });

    it("two uploads of one key do not disturb each other", async () => {
      const { key, id } = await begin();
      const other = await store.beginMultipart(key);
      const bytes = randomBytes(10);
      const [part] = [await send(key, id, 1, bytes), await send(key, other, 1, randomBytes(10))];
      expect((await all(store.listMultiparts())).map(({ storageId }) => storageId).toSorted()).toEqual(
        [id, other].toSorted(),
      );
      await store.abortMultipart(key, other);
      expect(await store.listParts(key, id)).toEqual([part]);
      await store.completeMultipart(key, id, [part]);
      expect(await contentOf(key)).toEqual(bytes);
    });

    it("reading can be ended early", async () => {
      const [key, control] = [newKey(), new AbortController()];
      await store.put(key, randomBytes(8 * 2 ** 20));
      const stream = await store.read(key, undefined, control.signal);
      await expect(
        (async () => {
          for await (const _ of stream) control.abort();
        })(),
      ).rejects.toMatchObject({ name: "AbortError" });
      await expect(store.read(key, undefined, control.signal)).rejects.toMatchObject({ name: "AbortError" });
    });

    it("a key that is not of our making goes nowhere", async () => {
      for (const key of [
        "",
        "../../etc/passwd",
        "ab/cd/../../../etc/passwd",
        "a".repeat(32),
        `ab/cd/${"0".repeat(27)}G`,
      ]) {
        await expect(store.put(key, randomBytes(1))).rejects.toThrow("is not the key of an object");
        await expect(store.head(key)).rejects.toThrow("is not the key of an object");
        await expect(store.beginMultipart(key)).rejects.toThrow("is not the key of an object");
      }
    });

    it("it says that it works, and leaves nothing behind", async () => {
      await store.check();
      expect(await all(store.list())).toEqual([]);
      expect(await all(store.listMultiparts())).toEqual([]);
    });
  });
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const found: T[] = [];
  for await (const item of items) found.push(item);
  return found;
}

const put = (url: string, bytes: Uint8Array): Promise<Response> =>
  fetch(url, { method: "PUT", body: bytes as Uint8Array<ArrayBuffer> });

/** The URL for another object, and with each thing it says changed or left out. */
function* alterations(url: string, key: string, otherKey: string): Generator<string> {
  yield url.replace(key, otherKey);
  for (const [name, value] of new URL(url).searchParams) {
    const [changed, without] = [new URL(url), new URL(url)];
    changed.searchParams.set(
      name,
      /^\d+$/.test(value) ? String(Number(value) + 1) : value.replace(/.$/, (last) => (last === "a" ? "b" : "a")),
    );
    without.searchParams.delete(name);
    yield changed.href;
    yield without.href;
  }
  if (!new URL(url).searchParams.has("signature")) return; // of S3 it is hexadecimal, under another name
  const letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
  yield url.replace(/.$/, (last) => letters[letters.indexOf(last) ^ 1]!); // the same bytes in other letters
}
