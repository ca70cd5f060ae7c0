import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { buffer } from "node:stream/consumers";
import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect } from "vitest";
import { newObjectKey } from "#lib/storage/keys.ts";
import { type S3Limits, S3Store } from "#lib/storage/s3.ts";
import type { AppError } from "#lib/errors.ts";
import { MIN_PART_BYTES, type StoredPart } from "#lib/storage/store.ts";
import { objectStoreContract } from "../../contract/object-store.ts";
import { type Fault, type FaultProxy, startFaultProxy } from "../../support/fault-proxy.ts";
import { testOnS3 } from "../../support/on-s3.ts";
import { noS3Server, type S3Server, startS3Server } from "../../support/s3-server.ts";
import { serve } from "../../support/serve.ts";
import { until } from "../../support/until.ts";

objectStoreContract(
  "the S3 store",
  async () => {
    const server = await startS3Server();
    return { store: new S3Store(server.settings, { pageSize: 2 }), close: server.stop };
  },
  noS3Server,
);

describe("a store that cannot is told in a sentence:", () => {
  let server: S3Server;
  let proxy: FaultProxy;
  let store: S3Store;
  const limits: Partial<S3Limits> = { connectMs: 1000, idleMs: 600, completeMs: 2000 };

  beforeAll(async () => {
    if (noS3Server) return;
    server = await startS3Server();
    proxy = await startFaultProxy(server.settings.endpoint);
  });
  beforeEach(() => {
    if (!noS3Server) store = new S3Store({ ...server.settings, endpoint: proxy.url }, limits);
  });
  afterEach(() => proxy?.clear());
  afterAll(async () => {
    await proxy?.close();
    await server?.stop();
  });

  const doesNotAnswer = (): unknown => ({
    code: "storage_unavailable",
    message: "The hub's store does not answer at the moment; nothing was lost, try again in a few seconds.",
    toOperator: `The store at ${proxy.url} does not answer at the moment; nothing was lost, try again in a few seconds.`,
  });

  const passing: readonly Fault[] = [
    { kind: "answer", status: 500, code: "InternalError" },
    { kind: "answer", status: 503, code: "SlowDown" },
    { kind: "reset" },
    { kind: "hang" },
    { kind: "loseAnswer" },
  ];
  for (const fault of passing) {
    testOnS3(`${Object.values(fault).join(" ")}: once is not noticed, always is`, async () => {
      const [key, bytes] = [newObjectKey(), randomBytes(100)];
      for (const [method, work] of [
        ["PUT", () => store.put(key, bytes)],
        ["GET", async () => buffer(await store.read(key))],
      ] as const) {
        proxy.inject({ method }, fault);
        await work();
        proxy.inject({ method, times: 3 }, fault); // one call, with all its attempts: the next is not spared
        await expect(work(), method).rejects.toMatchObject(doesNotAnswer() as object);
        proxy.clear();
      }
      await store.delete(key);
    });
  }

  testOnS3("a slow one is waited for", async () => {
    proxy.inject({ times: 2 }, { kind: "delay", ms: 200 });
    await store.check();
  });

  testOnS3("one that is away for a while, and back", async () => {
    await proxy.goAway();
    await expect(store.check()).rejects.toMatchObject(doesNotAnswer() as object);
    await expect(store.beginMultipart(newObjectKey())).rejects.toMatchObject(doesNotAnswer() as object);
    await proxy.comeBack();
    await until(
      () => store.check().catch((cause: unknown) => cause),
      (cause) => cause === undefined,
    );
  });

  async function beginWithParts(): Promise<{ key: string; id: string; parts: StoredPart[]; bytes: Buffer }> {
    const key = newObjectKey();
    const id = await store.beginMultipart(key);
    const bytes = randomBytes(MIN_PART_BYTES + 10);
    for (const [index, piece] of [bytes.subarray(0, MIN_PART_BYTES), bytes.subarray(MIN_PART_BYTES)].entries()) {
      const response = await fetch(await store.signPart(key, id, { number: index + 1, size: piece.length }, 60), {
        method: "PUT",
        body: piece,
      });
      expect(response.ok).toBe(true);
    }
    return { key, id, parts: await store.listParts(key, id), bytes };
  }

  testOnS3("an upload whose completion was answered into the void is complete", async () => {
    for (const times of [1, 3]) {
      const { key, id, parts, bytes } = await beginWithParts();
      proxy.inject({ method: "POST", times }, { kind: "loseAnswer" });
      const first = await store.completeMultipart(key, id, parts).catch((cause: unknown) => cause);
      const facts = await store.completeMultipart(key, id, parts);
      if (times === 1) expect(first).toEqual(facts);
      expect(facts).toEqual(await store.head(key));
      expect(bytes.equals(await buffer(await store.read(key)))).toBe(true);
      await store.delete(key);
    }
  });

  testOnS3("an error in an answer that began with 200, as S3 gives while it puts parts together", async () => {
    const { key, id, parts } = await beginWithParts();
    proxy.inject({ method: "POST", times: 3 }, { kind: "answer", status: 200, code: "InternalError" });
    await expect(store.completeMultipart(key, id, parts)).rejects.toMatchObject(doesNotAnswer() as object);
    expect(await store.head(key)).toBeNull();
    expect((await store.completeMultipart(key, id, parts)).size).toBe(MIN_PART_BYTES + 10);
    await store.delete(key);
  });

  testOnS3("a body that breaks off, or goes silent, is not taken for whole", async () => {
    const key = newObjectKey();
    await store.put(key, randomBytes(2 ** 20));
    for (const kind of ["cut", "stall"] as const) {
      for (const range of [undefined, { begin: 10, end: 500_000 }]) {
        proxy.inject({ method: "GET" }, { kind, after: 300_000 });
        let seen = 0;
        const reading = (async () => {
          for await (const bytes of await store.read(key, range)) seen += (bytes as Buffer).length;
        })();
        await expect(reading, kind).rejects.toMatchObject({ code: "storage_unavailable" });
        expect(seen).toBeLessThanOrEqual(300_000);
      }
    }
    await store.delete(key);
  });

  testOnS3("a stream that nobody reads to its end frees its connection", async () => {
    const key = newObjectKey();
    await store.put(key, randomBytes(2 ** 20));
    for (let count = 0; count < 60; count++) (await store.read(key)).destroy(); // more than there are connections
    await sleep(10);
    expect((await store.head(key))!.size).toBe(2 ** 20);
    await store.delete(key);
  });

  const secondsOf = async (work: Promise<unknown>): Promise<number> => {
    const began = performance.now();
    await work.catch(() => {});
    return (performance.now() - began) / 1000;
  };
  const isBack = async (of: S3Store): Promise<boolean> =>
    of.check().then(
      () => true,
      () => false,
    );

  testOnS3(
    "one whose process hangs: every call ends within seconds, the next at once, and no link is given",
    async () => {
      store = new S3Store({ ...server.settings, endpoint: proxy.url }); // with the limits of a hub
      const { key, id, parts } = await beginWithParts();
      const small = newObjectKey();
      await store.put(small, randomBytes(100));
      const download = { fileName: "a", contentType: "text/plain", disposition: "inline", seconds: 60 } as const;
      await server.freeze();
      try {
        const calls = [
          store.head(small),
          store.read(small),
          store.put(newObjectKey(), randomBytes(10)),
          store.beginMultipart(newObjectKey()),
          store.listParts(key, id),
          store.completeMultipart(key, id, parts), // it has minutes, of a store that answers
          store.list().next(),
          store.listMultiparts().next(),
          ...Array.from({ length: 100 }, () => store.head(small)), // more than there are connections
        ];
        const waited = await Promise.all(calls.map(secondsOf));
        expect(Math.max(...waited)).toBeLessThan(60); // 5 on a machine with nothing else to do; minutes, if each took its turn
        for (const call of calls) await expect(call).rejects.toMatchObject({ code: "storage_unavailable" });
        const asked = (): number => proxy.seen.filter((seen) => seen === `HEAD /guidepost/${small}`).length;
        const before = asked();
        expect(before).toBeGreaterThan(0);
        const next = await Promise.allSettled(Array.from({ length: 1000 }, () => store.head(small)));
        expect(next.filter(({ status }) => status === "fulfilled")).toEqual([]);
        expect(asked()).toBe(before); // none of them waits: it is not asked
        await expect(store.signDownload(small, download)).rejects.toMatchObject({ code: "storage_unavailable" });
        await expect(store.signPart(key, id, { number: 3, size: 1 }, 60)).rejects.toMatchObject({
          code: "storage_unavailable",
        });
      } finally {
        server.thaw();
      }
      await until(() => isBack(store), Boolean);
      expect(await store.signDownload(small, download)).toMatch(/^http/);
      expect((await store.completeMultipart(key, id, parts)).size).toBe(MIN_PART_BYTES + 10);
      for (const each of [key, small]) await store.delete(each);
    },
  );

  testOnS3("one that hangs while nobody asks it anything gives no link either", async () => {
    store = new S3Store(server.settings);
    await server.freeze();
    try {
      const link = store.signDownload(newObjectKey(), {
        fileName: "a",
        contentType: "text/plain",
        disposition: "inline",
        seconds: 60,
      });
      await expect(link).rejects.toMatchObject({ code: "storage_unavailable" });
    } finally {
      server.thaw();
    }
  });

  testOnS3("a call that takes long is waited for while the store answers others", async () => {
    store = new S3Store({ ...server.settings, endpoint: proxy.url }, { connectMs: 1000 });
    const { key, id, parts } = await beginWithParts();
    proxy.inject({ method: "POST" }, { kind: "delay", ms: 5000 });
    const before = proxy.seen.length;
    expect((await store.completeMultipart(key, id, parts)).size).toBe(MIN_PART_BYTES + 10);
    expect(proxy.seen.slice(before).filter((seen) => seen.startsWith("HEAD /guidepost")).length).toBeGreaterThan(1);
    await store.delete(key);
  });

  testOnS3("work that has time waits for it to come back", async () => {
    store = new S3Store(server.settings, { patienceMs: 60_000 });
    const key = newObjectKey();
    await store.put(key, randomBytes(10));
    await server.freeze();
    const asking = store.head(key);
    await expect(new S3Store(server.settings).head(key)).rejects.toMatchObject({ code: "storage_unavailable" });
    server.thaw();
    expect(await asking).toMatchObject({ size: 10 });
    await store.delete(key);
  });

  testOnS3("who is slow to take bytes is given them all", async () => {
    const [key, bytes] = [newObjectKey(), randomBytes(2 ** 20)];
    await store.put(key, bytes);
    const stream = await store.read(key);
    const [first] = (await once(stream, "readable").then(() => [stream.read() as Buffer])) as [Buffer];
    await sleep(1500); // more than twice as long as a store may be silent
    expect(Buffer.concat([first, await buffer(stream)]).equals(bytes)).toBe(true);
    await store.delete(key);
  });

  testOnS3("what the operator has to set right, by its name", async () => {
    const { settings } = server;
    const sentenceOf = async (wrong: Partial<typeof settings>): Promise<unknown> =>
      new S3Store({ ...settings, ...wrong }, { ...limits, attempts: 1 })
        .check()
        .catch(({ code, message, toOperator }: AppError) => {
          expect(message).not.toMatch(/https?:|S3_|guidepost|nowhere/); // whoever asks is not told where it is
          return `${code}: ${toOperator}`;
        });
    expect(await sentenceOf({ bucket: "nowhere" })).toBe(
      `storage_unavailable: There is no bucket nowhere at ${settings.endpoint}; make it, or correct S3_BUCKET.`,
    );
    const credentials = `storage_unavailable: The store at ${settings.endpoint} does not know this access key; correct S3_ACCESS_KEY_ID and S3_SECRET_ACCESS_KEY.`;
    expect(await sentenceOf({ accessKeyId: "somebody" })).toBe(credentials);
    expect(await sentenceOf({ secretAccessKey: "guessed" })).toBe(credentials);
    expect(await sentenceOf({ endpoint: "http://no-such-machine.invalid" })).toMatch(
      /^storage_unavailable: (There is no machine of the name in http:\/\/no-such-machine\.invalid; correct S3_ENDPOINT\.|The store at .* does not answer)/,
    );
    expect(await sentenceOf({ region: "eu-central-1" })).toBe(
      "storage_unavailable: The bucket guidepost is in another region or at another address; correct S3_REGION and S3_ENDPOINT.",
    );

    const answers = { 403: "AccessDenied", 507: "InsufficientStorage" } as const;
    const said: string[] = [];
    for (const [status, code] of Object.entries(answers)) {
      proxy.inject({ method: "PUT" }, { kind: "answer", status: Number(status), code });
      said.push(String(await sentenceOf({ endpoint: proxy.url })));
    }
    expect(said).toEqual([
      expect.stringMatching(
        /^storage_unavailable: The store does not let this access key do that in guidepost; allow it s3:GetObject, /,
      ),
      expect.stringMatching(/^disk_full: The store at .* is full;/),
    ]);

    const page = await serve(
      async () => new Response("<html>It works</html>", { headers: { "content-type": "text/html" } }),
    );
    expect(await sentenceOf({ endpoint: page.url })).toBe(
      `storage_unavailable: The store at ${page.url} answers what we do not understand (no ETag); check S3_ENDPOINT, or look in the store's log.`,
    );
    await expect(new S3Store({ ...settings, endpoint: page.url }).beginMultipart(newObjectKey())).rejects.toMatchObject(
      { code: "storage_unavailable" },
    );
    await page.close();
  });
});
