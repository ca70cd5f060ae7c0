import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { statSync } from "node:fs";
import { chmod, cp, mkdir, mkdtemp, open, readdir, rm, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { DiskStore } from "#lib/storage/disk.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { MIN_PART_BYTES, type StoredPart } from "#lib/storage/store.ts";
import { objectStoreContract } from "../../contract/object-store.ts";
import { serveDiskStore } from "../../support/disk-store.ts";

objectStoreContract("the disk store", serveDiskStore);

const secret = "only-for-tests-0123456789abcdef0123";
const publicUrl = "http://localhost:3000";
let root: string;
let folder: string;
let store: DiskStore;

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), "guidepost-disk-"));
  await chmod(root, 0o755); // one test is another user
  folder = join(root, "objects");
  store = new DiskStore({ folder, publicUrl, secret });
});
afterAll(() => rm(root, { recursive: true }));
afterEach(async () => {
  for await (const { key } of store.list()) await store.delete(key);
  for await (const { key, storageId } of store.listMultiparts()) await store.abortMultipart(key, storageId);
});

const send = (key: string, storageId: string, number: number, bytes: Uint8Array): Promise<StoredPart> =>
  store.receivePart(key, { storageId, number, size: bytes.length }, [bytes] as unknown as AsyncIterable<Uint8Array>);

/** Runs lines of a program of its own, which has this store as `store`. */
function start(
  lines: string,
  { in: place = folder, mount = "", uid }: { in?: string; mount?: string; uid?: number } = {},
): ChildProcess {
  const code = `import { DiskStore } from "#lib/storage/disk.ts"; const store = new DiskStore(${JSON.stringify({ folder: place, publicUrl, secret })});
    const told = (work) => work.then((value) => JSON.stringify(value ?? null), (failure) => failure.code + ": " + failure.toOperator).then((line) => console.log(line));
    ${lines}`;
  const node = [process.execPath, "--input-type=module", "-e", code] as const;
  const [program, ...args] = mount
    ? ["unshare", "--user", "--map-root-user", "--mount", "sh", "-c", `${mount} && exec "$@"`, "sh", ...node]
    : node;
  return spawn(program!, args, {
    stdio: ["ignore", "pipe", "inherit"],
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
}

/** What such a program printed, line by line. */
async function linesOf(child: ChildProcess): Promise<string[]> {
  const [said] = await Promise.all([buffer(child.stdout!), once(child, "close")]);
  return said.toString().trim().split("\n");
}

describe("a crash leaves all of it or nothing:", () => {
  test("a part that was on its way does not count, and is sent again", async () => {
    const key = newObjectKey();
    const id = await store.beginMultipart(key);
    const child = start(
      `store.receivePart("${key}", { storageId: "${id}", number: 1, size: 8e6 }, (async function* () { yield new Uint8Array(4e6); await new Promise(() => setInterval(() => {}, 1000)); })());`,
    );
    const upload = join(folder, "uploads", (await readdir(join(folder, "uploads")))[0]!);
    const arriving = async (): Promise<string[]> => (await readdir(upload)).filter((name) => name.endsWith(".new"));
    while (!(await arriving()).some((name) => statSync(join(upload, name)).size === 4e6)) await sleep(5);
    child.kill("SIGKILL");
    await once(child, "close");

    expect(await arriving()).toHaveLength(1);
    expect(await store.listParts(key, id)).toEqual([]);
    const bytes = randomBytes(1000);
    await store.completeMultipart(key, id, [await send(key, id, 1, bytes)]);
    expect(await buffer(await store.read(key))).toEqual(bytes);
    expect(await readdir(join(folder, "uploads"))).toEqual([]);
  });

  test("an object that was being put together is not there, and is put together again", async () => {
    const key = newObjectKey();
    const id = await store.beginMultipart(key);
    const bytes = randomBytes(10 * MIN_PART_BYTES);
    const parts: StoredPart[] = [];
    for (let number = 1; number <= 10; number++)
      parts.push(await send(key, id, number, bytes.subarray((number - 1) * MIN_PART_BYTES, number * MIN_PART_BYTES)));
    const upload = join(folder, "uploads", (await readdir(join(folder, "uploads")))[0]!);
    const child = start(`store.completeMultipart("${key}", "${id}", ${JSON.stringify(parts)});`);
    while (child.exitCode === null && !(await readdir(upload)).some((name) => name.endsWith(".new"))) await sleep(1);
    child.kill("SIGKILL");
    await once(child, "close");
    expect(await store.head(key)).toBeNull();
    expect(await store.listParts(key, id)).toEqual(parts);

    await store.completeMultipart(key, id, parts);
    expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
    expect(await readdir(join(folder, "uploads"))).toEqual([]);
  });

  test("an upload that ended just before is forgotten by the next call", async () => {
    const key = newObjectKey();
    const id = await store.beginMultipart(key);
    const part = await send(key, id, 1, randomBytes(1000));
    const upload = join(folder, "uploads", (await readdir(join(folder, "uploads")))[0]!);
    await cp(upload, join(root, "kept"), { recursive: true });
    const facts = await store.completeMultipart(key, id, [part]);
    await cp(join(root, "kept"), upload, { recursive: true }); // as if the object had been moved to its place, and nothing after that been done
    expect(await store.completeMultipart(key, id, [part])).toEqual(facts);
    expect(await readdir(join(folder, "uploads"))).toEqual([]);
  });

  test("what is left beside the uploads goes an hour later", async () => {
    const [old, fresh] = [
      ["old.new", "old.ended"],
      ["fresh.new", "fresh.ended"],
    ];
    await mkdir(join(folder, "uploads"), { recursive: true });
    for (const name of [...old, ...fresh]) {
      if (name.endsWith(".ended")) await mkdir(join(folder, "uploads", name));
      await writeFile(join(folder, "uploads", name, ...(name.endsWith(".ended") ? ["00001"] : [])), "bytes");
    }
    const longAgo = new Date(Date.now() - 61 * 60_000);
    for (const name of old) await utimes(join(folder, "uploads", name), longAgo, longAgo);
    for await (const _ of store.listMultiparts());
    expect((await readdir(join(folder, "uploads"))).toSorted()).toEqual(fresh.toSorted());
    for (const name of fresh) await rm(join(folder, "uploads", name), { recursive: true });
  });
});

describe("parts that say where they belong:", () => {
  const size = MIN_PART_BYTES;
  const bytes = randomBytes(3 * size);
  const pieceOf = (number: number): Buffer => bytes.subarray((number - 1) * size, number * size);
  const grantOf = (storageId: string, number: number) => ({ storageId, number, size, offset: (number - 1) * size });
  const place = (
    key: string,
    storageId: string,
    number: number,
    body: AsyncIterable<Uint8Array>,
  ): Promise<StoredPart> => store.receivePart(key, grantOf(storageId, number), body);
  const whole = async function* (number: number): AsyncGenerator<Uint8Array> {
    yield pieceOf(number);
  };
  const uploadFolder = async (): Promise<string> =>
    join(folder, "uploads", (await readdir(join(folder, "uploads")))[0]!);

  async function begin(): Promise<{ key: string; id: string }> {
    const key = newObjectKey();
    return { key, id: await store.beginMultipart(key) };
  }

  /** A body of which the first half comes, and the rest when it is let go. */
  function halting(content: Uint8Array) {
    const [reached, rest] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    async function* body(): AsyncGenerator<Uint8Array> {
      yield content.subarray(0, size / 2);
      reached.resolve();
      await rest.promise;
      yield content.subarray(size / 2);
    }
    return {
      body: body(),
      reached: reached.promise,
      letGo: () => rest.resolve(),
      breakOff: (why: Error) => rest.reject(why),
    };
  }

  test("are written there, in whatever order they come, and nothing is copied at the end", async () => {
    const { key, id } = await begin();
    const parts = await Promise.all([3, 1, 2].map((number) => place(key, id, number, whole(number))));
    expect(await store.listParts(key, id)).toEqual(parts.toSorted((a, b) => a.number - b.number));
    const { ino } = statSync(join(await uploadFolder(), "whole"));
    await store.completeMultipart(key, id, await store.listParts(key, id));
    expect(statSync(store.pathOf(key)).ino).toBe(ino);
    expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
    expect(await readdir(join(folder, "uploads"))).toEqual([]);
  });

  test("one that broke off gives its place back", async () => {
    const { key, id } = await begin();
    const first = halting(randomBytes(size));
    const sent = place(key, id, 2, first.body);
    await first.reached;
    first.breakOff(new Error("the line broke"));
    await expect(sent).rejects.toThrow("the line broke");
    for (const number of [1, 2, 3]) await place(key, id, number, whole(number));
    expect((await readdir(await uploadFolder())).filter((name) => /^\d{5}$/.test(name))).toEqual([]);
    await store.completeMultipart(key, id, await store.listParts(key, id));
    expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
  });

  test("one that is still being sent when it was sent again in full never reaches the object", async () => {
    const { key, id } = await begin();
    const slow = halting(randomBytes(size));
    const sent = place(key, id, 2, slow.body);
    await slow.reached;
    for (const number of [1, 2, 3]) await place(key, id, number, whole(number));
    await store.completeMultipart(key, id, await store.listParts(key, id));
    slow.letGo();
    await expect(sent).rejects.toMatchObject({ code: "not_found" });
    expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
  });

  test("one that is sent again with other bytes replaces the first", async () => {
    const { key, id } = await begin();
    const sent: StoredPart[] = [];
    for (const number of [1, 2, 3]) sent.push(await place(key, id, number, whole(number)));
    const other = randomBytes(size);
    const again = await place(
      key,
      id,
      2,
      (async function* () {
        yield other;
      })(),
    );
    await expect(store.completeMultipart(key, id, sent)).rejects.toMatchObject({ code: "bytes_differ" });
    await store.completeMultipart(key, id, [sent[0]!, again, sent[2]!]);
    const expected = Buffer.concat([pieceOf(1), other, pieceOf(3)]);
    expect(expected.equals(await buffer(await store.read(key)))).toBe(true);
  });

  test("after a crash in the middle of one, it is sent again", async () => {
    const { key, id } = await begin();
    await place(key, id, 1, whole(1));
    const child = start(
      `store.receivePart("${key}", ${JSON.stringify(grantOf(id, 2))}, (async function* () { yield new Uint8Array(${size / 2}).fill(1); await new Promise(() => setInterval(() => {}, 1000)); })());`,
    );
    const file = join(await uploadFolder(), "whole");
    while (statSync(file).size < size * 1.5) await sleep(5);
    child.kill("SIGKILL");
    await once(child, "close");
    expect((await store.listParts(key, id)).map(({ number }) => number)).toEqual([1]);
    for (const number of [2, 3]) await place(key, id, number, whole(number));
    await store.completeMultipart(key, id, await store.listParts(key, id));
    expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
  });

  test("that leave a gap, or come in another order, make what was named", async () => {
    const { key, id } = await begin();
    for (const number of [1, 2, 3]) await place(key, id, number, whole(number));
    const [one, , three] = await store.listParts(key, id);
    await store.completeMultipart(key, id, [one!, three!]);
    expect(Buffer.concat([pieceOf(1), pieceOf(3)]).equals(await buffer(await store.read(key)))).toBe(true);
  });
});

test("two processes that complete one upload agree", async () => {
  const key = newObjectKey();
  const id = await store.beginMultipart(key);
  const parts = [
    await send(key, id, 1, randomBytes(MIN_PART_BYTES)),
    await send(key, id, 2, randomBytes(MIN_PART_BYTES)),
  ];
  const line = `await told(store.completeMultipart("${key}", "${id}", ${JSON.stringify(parts)}));`;
  const all = await Promise.all([1, 2, 3].map(() => linesOf(start(line))));
  const facts = await store.head(key);
  expect(all).toEqual([1, 2, 3].map(() => [JSON.stringify(facts)]));
});

test("a tag outlives a restart, and a copy of the folder elsewhere; another secret's URLs are refused", async () => {
  const key = newObjectKey();
  const { tag } = await store.put(key, randomBytes(100));
  const elsewhere = join(root, "restored");
  await cp(folder, elsewhere, { recursive: true });
  const restored = new DiskStore({ folder: elsewhere, publicUrl, secret: "another-secret-0123456789abcdef01" });
  expect(await restored.head(key)).toMatchObject({ tag });

  const url = new URL(
    await store.signDownload(key, { fileName: "a", contentType: "text/plain", disposition: "inline", seconds: 60 }),
  );
  expect(store.parseDownloadUrl(key, url.searchParams)).toEqual({
    fileName: "a",
    contentType: "text/plain",
    disposition: "inline",
  });
  expect(() => restored.parseDownloadUrl(key, url.searchParams)).toThrow(
    expect.objectContaining({ code: "forbidden" }),
  );
});

describe("a disk that cannot is told in a sentence:", () => {
  const canMount = spawnSync("unshare", ["--user", "--map-root-user", "--mount", "true"]).status === 0;
  const key = newObjectKey();
  const put = `await told(store.put("${key}", new Uint8Array(10)));`;

  test("a file in place of the folder", async () => {
    await writeFile(join(root, "file"), "");
    expect(await linesOf(start(put, { in: join(root, "file", "objects") }))).toEqual([
      `storage_unavailable: ${root}/file/objects, or something in it, is a file where a folder must be; move it away, or point GUIDEPOST_DATA elsewhere.`,
    ]);
  });

  test("a folder of somebody else", async () => {
    const isRoot = process.getuid?.() === 0;
    await mkdir(join(root, "theirs"), { mode: isRoot ? 0o700 : 0o500 });
    const lines = await linesOf(
      start(`${put} await told(store.check());`, {
        in: join(root, "theirs", "objects"),
        ...(isRoot ? { uid: 65534 } : {}),
      }),
    );
    const sentence = `storage_unavailable: The hub may not use ${root}/theirs/objects; give that folder to the user that runs it, or point GUIDEPOST_DATA at another.`;
    expect(lines).toEqual([sentence, sentence]);
  });

  test.runIf(canMount)("a read-only disk, from which reading goes on", async () => {
    const place = join(root, "read-only");
    await new DiskStore({ folder: place, publicUrl, secret }).put(key, randomBytes(10));
    const lines = await linesOf(
      start(
        `${put} await told(store.beginMultipart("${key}")); await told(store.delete("${key}")); await told(store.head("${key}"));`,
        { in: place, mount: `mount --bind ${place} ${place} && mount -o remount,ro,bind ${place}` },
      ),
    );
    const sentence = `storage_unavailable: ${place} is on a read-only disk; point GUIDEPOST_DATA at a folder that can be written.`;
    expect(lines).toEqual([sentence, sentence, sentence, expect.stringContaining('"size":10')]);
  });

  test.runIf(canMount)(
    "one with too little room: no part begins, what is there is read, and it goes on when there is room again",
    async () => {
      const place = join(root, "small");
      await mkdir(place);
      const lines = await linesOf(
        start(
          `const [one, two] = ["${newObjectKey()}", "${newObjectKey()}"];
         const id = await store.beginMultipart(two);
         await told(store.put(one, new Uint8Array(60e6)).then(() => "put"));
         const part = () => told(store.receivePart(two, { storageId: id, number: 1, size: 60e6 }, (async function* () { yield new Uint8Array(60e6); })()).then(() => "received"));
         await part();
         await told(store.head(one).then(({ size }) => size));
         await store.delete(one);
         await part();`,
          { in: place, mount: `mount -t tmpfs -o size=300m none ${place}` },
        ),
      );
      const full = `disk_full: The disk of ${place} is full; free some space. Nothing was lost, and downloads go on.`;
      expect(lines).toEqual(['"put"', full, "60000000", '"received"']);
    },
  );

  test.runIf(canMount)(
    "many at once do not count on the same room, and those of which nothing comes take none",
    async () => {
      const place = join(root, "crowded");
      await mkdir(place);
      const lines = await linesOf(
        start(
          `import { statfsSync } from "node:fs";
         const id = await store.beginMultipart("${key}");
         const never = new Promise(() => {});
         for (let n = 0; n < 60; n++) void store.receivePart("${key}", { storageId: id, number: 1000 + n, size: 16e6 }, (async function* () { await never; })());
         const part = (number) => store.receivePart("${key}", { storageId: id, number, size: 8e6 }, (async function* () { for (let n = 0; n < 8; n++) { await null; yield new Uint8Array(1e6); } })());
         await told(part(1).then(() => "received"));
         const ended = await Promise.allSettled(Array.from({ length: 40 }, (_, n) => part(n + 2)));
         const { bavail, bsize } = statfsSync("${place}");
         console.log(ended.every(({ status, reason }) => status === "fulfilled" || reason.code === "disk_full"), bavail * bsize > 190e6);
         await told(part(100).then(() => "received"));
         process.exit(0);`,
          { in: place, mount: `mount -t tmpfs -o size=300m none ${place}` },
        ),
      );
      expect(lines.slice(0, 2)).toEqual(['"received"', "true true"]);
    },
  );

  test.runIf(canMount)("one that fills up while a part arrives", async () => {
    const place = join(root, "filling");
    await mkdir(place);
    const lines = await linesOf(
      start(
        `import { readdirSync, writeFileSync } from "node:fs";
         const id = await store.beginMultipart("${key}");
         const fill = () => { try { writeFileSync("${place}/rest", new Uint8Array(300e6)); } catch {} };
         await told(store.receivePart("${key}", { storageId: id, number: 1, size: 20e6 }, (async function* () { yield new Uint8Array(10e6); fill(); yield new Uint8Array(10e6); })()));
         await told(store.listParts("${key}", id));
         console.log(readdirSync("${place}/uploads/" + readdirSync("${place}/uploads")[0]).length);`,
        { in: place, mount: `mount -t tmpfs -o size=300m none ${place}` },
      ),
    );
    expect(lines).toEqual([expect.stringMatching(/^disk_full: /), "[]", "0"]);
  });
});

test("a disk that hangs: the call is left behind and its caller told, and others go on", async () => {
  const hurried = new DiskStore({ folder, publicUrl, secret }, { deadlineMs: 300, stallMs: 300 });
  const [hung, other] = [newObjectKey(), newObjectKey()];
  await hurried.put(other, randomBytes(10));
  await mkdir(dirname(hurried.pathOf(hung)), { recursive: true });
  expect(spawnSync("mkfifo", [hurried.pathOf(hung)]).status).toBe(0); // to open it waits for who writes, as for a server that is away
  const told = {
    code: "storage_unavailable",
    message: expect.stringMatching(/^The hub's disk does not answer/) as string,
  };
  await expect(hurried.read(hung)).rejects.toMatchObject(told);
  expect(await hurried.head(other)).toMatchObject({ size: 10 });

  const writer = await open(hurried.pathOf(hung), "w"); // and frees the one that was left behind
  const silent = await hurried.read(hung, { begin: 0, end: 0 });
  expect(await buffer(silent)).toHaveLength(0);
  await writer.close();
});
