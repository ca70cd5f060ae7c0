import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { readdirSync, readlinkSync } from "node:fs";
import { readdir } from "node:fs/promises";
import { type IncomingMessage, request as send } from "node:http";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeAll, expect, test } from "vitest";
import { newObjectKey } from "#lib/storage/keys.ts";
import { type ServedDiskStore, serveDiskStore } from "../../support/disk-store.ts";

let served: ServedDiskStore;
const [key, bytes] = [newObjectKey(), randomBytes(1000)];
let url: string;
let tag: string;

beforeAll(async () => {
  served = await serveDiskStore();
  ({ tag } = await served.store.put(key, bytes));
  url = await served.store.signDownload(key, {
    fileName: "clay.html",
    contentType: "text/html",
    disposition: "inline",
    seconds: 60,
  });
});
afterAll(() => served.close());

const get = (headers: Record<string, string> = {}, method = "GET"): Promise<Response> =>
  fetch(url, { method, headers });

/** Files of the store that this process, which is the server as well, has open. */
const openFiles = (): string[] =>
  readdirSync("/proc/self/fd").flatMap((fd) => {
    try {
      const path = readlinkSync(`/proc/self/fd/${fd}`);
      return path.startsWith(served.folder) ? [path] : [];
    } catch {
      return []; // closed in the meantime
    }
  });

const untilClosed = (): Promise<void> => expect.poll(openFiles, { interval: 10 }).toEqual([]);

test("a download says what it is, and that a browser must not run it", async () => {
  const { status, headers } = await get();
  expect(status).toBe(200);
  expect(Object.fromEntries(headers)).toMatchObject({
    "accept-ranges": "bytes",
    "cache-control": "private, no-transform",
    "content-disposition": `inline; filename*=UTF-8''clay.html; filename="clay.html";`,
    "content-length": "1000",
    "content-security-policy": "sandbox; default-src 'none'",
    "content-type": "text/html",
    etag: `"${tag}"`,
    "x-content-type-options": "nosniff",
  });
});

test("HEAD says the same and sends nothing", async () => {
  const [head, whole] = [await get({ range: "bytes=0-9" }, "HEAD"), await get()];
  const heeded = (response: Response): unknown => [
    response.status,
    ...["content-length", "content-type", "etag", "content-disposition"].map((name) => response.headers.get(name)),
  ];
  expect(heeded(head)).toEqual(heeded(whole));
  expect(await head.text()).toBe("");
});

test("conditions: a version that the client has, a range of a version that it no longer is", async () => {
  const known = await get({ "if-none-match": `W/"${tag}"`, range: "bytes=0-9" });
  expect([known.status, known.headers.get("etag"), await known.text()]).toEqual([304, `"${tag}"`, ""]);
  expect((await get({ "if-none-match": '"other"' })).status).toBe(200);
  expect((await get({ "if-range": `"${tag}"`, range: "bytes=0-9" })).status).toBe(206);
  const changed = await get({ "if-range": '"other"', range: "bytes=0-9" });
  expect([changed.status, (await changed.arrayBuffer()).byteLength]).toEqual([200, 1000]);
  const beyond = await get({ range: "bytes=1000-" });
  expect([beyond.status, beyond.headers.get("content-range")]).toEqual([416, "bytes */1000"]);
});

test("a part is refused by its announced length, and one that announces none by what comes", async () => {
  const other = newObjectKey();
  const id = await served.store.beginMultipart(other);
  const part = await served.store.signPart(other, id, { number: 1, size: 100 }, 60);
  const codeOf = async (body: BodyInit): Promise<unknown> => {
    const response = await fetch(part, { method: "PUT", body, duplex: "half" } as RequestInit);
    return [response.status, ((await response.json()) as { code: string }).code];
  };
  const streamed = (size: number): ReadableStream => new Blob([new Uint8Array(size)]).stream();
  for (const bodyOf of [(size: number): BodyInit => new Uint8Array(size), streamed]) {
    expect(await codeOf(bodyOf(101))).toEqual([413, "too_large"]);
    expect(await codeOf(bodyOf(99))).toEqual([422, "bytes_differ"]);
  }
  expect(await served.store.listParts(other, id)).toEqual([]);
  expect((await fetch(part, { method: "PUT", body: streamed(100), duplex: "half" } as RequestInit)).status).toBe(200);
  await served.store.abortMultipart(other, id);
});

test("an address that is no key's leads nowhere", async () => {
  const { search } = new URL(url);
  for (const path of ["x", "../../etc/passwd", "..%2f..%2fetc%2fpasswd", `${key}/x`, key.slice(1), `uploads/${key}`])
    expect((await fetch(`${served.url}/storage/${path}${search}`)).ok, path).toBe(false);
  expect((await fetch(`${served.url}/storage/${key}`)).status).toBe(403);
});

test.runIf(process.platform === "linux")("a client that goes away in the middle leaves no file open", async () => {
  const big = newObjectKey();
  await served.store.put(big, new Uint8Array(64 * 2 ** 20));
  const download = send(
    await served.store.signDownload(big, {
      fileName: "a",
      contentType: "text/plain",
      disposition: "inline",
      seconds: 60,
    }),
  );
  const [answer] = (await once(download.end(), "response")) as [IncomingMessage];
  await once(answer, "data");
  answer.pause();
  expect(openFiles()).toHaveLength(1);
  answer.destroy();
  await untilClosed();

  const other = newObjectKey();
  const id = await served.store.beginMultipart(other);
  const upload = send(await served.store.signPart(other, id, { number: 1, size: 2 ** 20 }, 60), {
    method: "PUT",
    headers: { "content-length": 2 ** 20 },
  });
  upload.on("error", () => {});
  upload.write(new Uint8Array(2 ** 19));
  while (openFiles().length === 0) await sleep(5);
  upload.destroy();
  await untilClosed();
  const [name] = (await readdir(join(served.folder, "uploads"))) as [string];
  while ((await readdir(join(served.folder, "uploads", name))).length > 0) await sleep(5);
  expect(await served.store.listParts(other, id)).toEqual([]);
  await served.store.abortMultipart(other, id);
});
