import { createHash } from "node:crypto";
import { crc32 } from "node:zlib";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { type Person } from "#lib/auth/actor.ts";
import { createToken } from "#lib/auth/token.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { PART_BYTES, type UploadView } from "#lib/catalog/uploads/schema.ts";
import { database } from "#lib/db/client.ts";
import { askQueue } from "#lib/queue/boss.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { sweep } from "#workers/hub/sweeper.ts";
import { newOrganisation, newPerson } from "../support/actors.ts";
import { expectSound, openMultiparts, storedKeys } from "../support/sound-hub.ts";
import { hashAll, hashUpload, sha256Of, UploadClient, weightsOf } from "../support/upload-client.ts";

export interface UploadSubject {
  /** Of a server that answers as the hub does. */
  readonly url: string;
  close(): Promise<void>;
}

const DAY = 86_400_000;
const REPO = "lab/model";

/** Uploads as a program sees them, on whatever store: over HTTP from the first request to the commit. */
export function uploadContract(name: string, open: () => Promise<UploadSubject>, skipped: string | null = null): void {
  describe(`uploads to ${name}:`, () => {
    let subject: UploadSubject;
    const people: Record<string, Person> = {};
    const clients: Record<string, UploadClient> = {};

    beforeAll(async () => {
      if (skipped) return;
      subject = await open();
      for (const person of ["ann", "ben", "eve", "root"]) {
        people[person] = await newPerson(person, { isOperator: person === "root" });
        clients[person] = new UploadClient(
          subject.url,
          (await createToken(people[person]!, { name: "test", scopes: ["read", "write"] })).secret,
        );
      }
      clients["nobody"] = new UploadClient(subject.url, null);
      await newOrganisation("lab", [
        [people["ann"]!, "owner"],
        [people["ben"]!, "writer"],
        [people["eve"]!, "reader"],
      ]);
      await createRepo(people["ann"]!, { owner: "lab", name: "model", kind: "finetune", visibility: "public" });
    });
    beforeEach(async () => {
      if (!skipped)
        await database().upload.updateMany({
          where: { state: { in: ["open", "receiving", "hashing", "verified"] } },
          data: { state: "aborted" },
        });
    });
    afterAll(() => subject?.close());

    const it = (
      title: string,
      work: (as: {
        ann: UploadClient;
        ben: UploadClient;
        eve: UploadClient;
        root: UploadClient;
        nobody: UploadClient;
      }) => Promise<void>,
    ): void =>
      test(title, async ({ skip }) => {
        if (skipped) skip(skipped);
        await work(clients as Parameters<typeof work>[0]);
      });

    const large = (seed: number): Buffer => weightsOf(2 * PART_BYTES + 12_345, seed);
    const commit = (client: UploadClient, files: Record<string, string>) =>
      client.ask("POST", `/repos/${REPO}/commits`, {
        title: "Files",
        operations: Object.entries(files).map(([path, upload]) => ({ op: "add", path, upload })),
      });

    it("a file of three parts, from its first byte to the commit", async ({ ann }) => {
      const bytes = large(1);
      const begun = await ann.begin(REPO, { path: "unet/model.safetensors", size: bytes.byteLength });
      expect(begun).toMatchObject({
        status: 201,
        body: {
          state: "open",
          path: "unet/model.safetensors",
          size: bytes.byteLength,
          sha256: null,
          partSize: PART_BYTES,
          partCount: 3,
          arrived: [],
          problem: null,
          progress: null,
          queue: null,
        },
      });
      expect(Date.parse(begun.body.expiresAt) - Date.now()).toBeGreaterThan(6.9 * DAY);
      const { id } = begun.body;

      expect(await ann.send(id, bytes, [3, 1, 2])).toEqual([200, 200, 200]);
      expect((await ann.get(id)).body).toMatchObject({ state: "receiving", arrived: [1, 2, 3] });
      expect(await storedKeys()).toHaveLength(0); // nothing is seen before it is whole
      expect(await ann.complete(id)).toMatchObject({
        status: 202,
        body: {
          state: "hashing",
          arrived: [1, 2, 3],
          progress: { done: 0, total: bytes.byteLength },
          queue: { ahead: 0 },
        },
      });
      expect(await commit(ann, { "a.safetensors": id })).toMatchObject({
        status: 409,
        body: { code: "upload_not_ready" },
      });

      await hashAll();
      const sha256 = sha256Of(bytes);
      const tensors = sha256Of(bytes.subarray(128));
      expect((await ann.get(id)).body).toMatchObject({ state: "verified", sha256, problem: null, progress: null });
      const blob = await database().blob.findUniqueOrThrow({
        where: { sha256 },
        include: { hashes: { orderBy: { algorithm: "asc" } } },
      });
      expect(blob).toMatchObject({
        size: BigInt(bytes.byteLength),
        gitSha1: createHash("sha1").update(`blob ${bytes.byteLength}\0`).update(bytes).digest("hex"),
      });
      expect(Object.fromEntries(blob.hashes.map(({ algorithm, value }) => [algorithm, value]))).toEqual({
        autov1: sha256Of(bytes.subarray(0x100000, 0x110000)).slice(0, 8),
        autov2: sha256.slice(0, 10),
        autov3: tensors.slice(0, 12),
        crc32: crc32(bytes).toString(16).padStart(8, "0"),
        tensors,
      });
      expect((await timelineOf(id)).map(({ kind }) => kind)).toEqual(["queued", "progress"]);

      const committed = await commit(ann, { "unet/model.safetensors": id });
      expect(committed).toMatchObject({ status: 201, body: { files: 1, bytes: bytes.byteLength } });
      expect((await ann.get(id)).body.state).toBe("linked");
      expect(await commit(ann, { "unet/model.safetensors": id })).toMatchObject({
        status: 201,
        body: { id: committed.body.id, isNew: false },
      }); // the answer was lost
      expect(await storedKeys()).toEqual([blob.storageKey]);
      expect(await openMultiparts()).toEqual([]);
      await expectSound();
    });

    it("goes on where a client that was reloaded finds it", async ({ ann, ben }) => {
      const bytes = large(2);
      const { id } = (await ann.begin(REPO, { path: "b.safetensors", size: bytes.byteLength })).body;
      await ann.send(id, bytes, [1, 3]);
      const mine = (await ann.ask("GET", `/repos/${REPO}/uploads`)).body;
      expect(mine).toMatchObject({ items: [{ id, path: "b.safetensors", state: "receiving" }], next: null });
      expect((await ben.ask("GET", `/repos/${REPO}/uploads`)).body.items).toEqual([]);
      expect((await ann.get(id)).body.arrived).toEqual([1, 3]);

      const early = await ann.complete(id);
      expect(early).toMatchObject({
        status: 422,
        body: {
          code: "bytes_differ",
          error: "Part 2 of b.safetensors has not come whole; send it, then complete the upload again.",
          detail: { missing: [2], partCount: 3 },
        },
      });
      expect((await ann.get(id)).body.state).toBe("receiving");
      await ann.send(id, bytes, [2]);
      await ann.send(id, bytes, [1]); // once more, as after a lost answer
      expect((await ann.complete(id)).body.state).toBe("hashing");
      await hashAll();
      expect((await ann.get(id)).body).toMatchObject({ state: "verified", sha256: sha256Of(bytes) });
    });

    it("a part of another size than was signed is not taken", async ({ ann }) => {
      const bytes = weightsOf(1000);
      const { id } = (await ann.begin(REPO, { path: "c.safetensors", size: 1000 })).body;
      const { items } = (await ann.ask("POST", `/uploads/${id}/parts`, { numbers: [1] })).body;
      for (const wrong of [bytes.subarray(1), Buffer.concat([bytes, bytes])]) {
        const status = await fetch(items[0].url, { method: "PUT", body: wrong as Buffer<ArrayBuffer> }).then(
          (response) => response.status,
        );
        expect(status).toBeGreaterThanOrEqual(400);
      }
      expect((await ann.get(id)).body.arrived).toEqual([]);
      expect(await ann.complete(id)).toMatchObject({ status: 422, body: { detail: { missing: [1] } } });
    });

    it("completed five times at once, and again later, it is read once", async ({ ann }) => {
      const bytes = large(3);
      const { id } = (await ann.begin(REPO, { path: "d.safetensors", size: bytes.byteLength })).body;
      await ann.send(id, bytes, [1, 2, 3]);
      const answers = await Promise.all(Array.from({ length: 5 }, () => ann.complete(id)));
      expect(answers.map(({ status, body }) => `${status} ${body.state}`)).toEqual(Array(5).fill("202 hashing"));
      await hashAll();
      expect((await ann.complete(id)).body.state).toBe("verified");
      expect(await askQueue("SELECT id FROM job WHERE subject_id = $1", [id])).toHaveLength(1);
    });

    it("an answer that was lost after the parts were put together", async ({ ann }) => {
      const bytes = large(4);
      const { id } = (await ann.begin(REPO, { path: "e.safetensors", size: bytes.byteLength })).body;
      await ann.send(id, bytes, [1, 2, 3]);
      const { storageKey, storageId } = await database().upload.findUniqueOrThrow({ where: { id } });
      await objectStore().completeMultipart(
        storageKey,
        storageId!,
        await objectStore().listParts(storageKey, storageId!),
      );
      expect((await ann.get(id)).body).toMatchObject({ state: "receiving", arrived: [1, 2, 3] });
      expect((await ann.complete(id)).body.state).toBe("hashing");
    });

    it("an empty file", async ({ ann }) => {
      const { id, partCount, state } = await ann.upload(REPO, "empty.txt", new Uint8Array());
      expect([partCount, state]).toEqual([0, "hashing"]);
      await hashAll();
      expect((await ann.get(id)).body).toMatchObject({ state: "verified", sha256: sha256Of("") });
      expect(await commit(ann, { "empty.txt": id })).toMatchObject({ status: 201 });
    });

    it("the same file by two at once is stored once, and both have it", async ({ ann, ben }) => {
      const bytes = weightsOf(300_000, 5);
      const [one, two] = await Promise.all([
        ann.upload(REPO, "f.safetensors", bytes),
        ben.upload(REPO, "g.safetensors", bytes),
      ]);
      expect(await Promise.all([hashUpload(one.id), hashUpload(two.id)])).toEqual([null, null]);
      const views = [(await ann.get(one.id)).body, (await ben.get(two.id)).body] as UploadView[];
      expect(views.map(({ state, sha256 }) => `${state} ${sha256}`)).toEqual(
        Array(2).fill(`verified ${sha256Of(bytes)}`),
      );
      expect([
        await commit(ann, { "f.safetensors": one.id }),
        await commit(ben, { "g.safetensors": two.id }),
      ]).toMatchObject([{ status: 201 }, { status: 201 }]);

      const keys = new Set(
        (await database().upload.findMany({ where: { id: { in: [one.id, two.id] } } })).map(
          (upload) => upload.storageKey,
        ),
      );
      const { storageKey } = await database().blob.findUniqueOrThrow({ where: { sha256: sha256Of(bytes) } });
      await sweep();
      expect((await storedKeys()).filter((key) => keys.has(key))).toEqual([storageKey]);
      await expectSound();
    });

    it("bytes that the hub has are sent all the same", async ({ ben }) => {
      const bytes = weightsOf(300_000, 5);
      const begun = await ben.begin(REPO, { path: "h.safetensors", size: bytes.byteLength, sha256: sha256Of(bytes) });
      expect(begun.body).toMatchObject({ state: "open", partCount: 1, arrived: [] });
      expect(await ben.complete(begun.body.id)).toMatchObject({ status: 422, body: { detail: { missing: [1] } } });
    });

    it("is nobody's but whose began it, and an operator's", async ({ ann, ben, eve, root, nobody }) => {
      const { id } = (await ann.begin(REPO, { path: "i.txt", size: 3 })).body;
      for (const other of [ben, eve]) {
        const answers = [
          await other.get(id),
          await other.ask("POST", `/uploads/${id}/parts`, { numbers: [1] }),
          await other.complete(id),
          await other.abort(id),
        ];
        expect(answers.map(({ status, body }) => `${status} ${body.code}`)).toEqual(Array(4).fill("404 not_found"));
      }
      expect([(await nobody.get(id)).status, (await nobody.abort(id)).status]).toEqual([401, 401]);
      expect((await root.get(id)).body).toMatchObject({ id, state: "open" });
      expect(await eve.begin(REPO, { path: "j.txt", size: 3 })).toMatchObject({ status: 403 });
      await database().member.deleteMany({ where: { userId: people["ann"]!.userId } });
      expect(await ann.ask("POST", `/uploads/${id}/parts`, { numbers: [1] })).toMatchObject({ status: 403 }); // may not write there any more
      await database().member.create({
        data: {
          userId: people["ann"]!.userId,
          role: "owner",
          namespaceId: (await database().namespace.findUniqueOrThrow({ where: { nameKey: "lab" } })).id,
        },
      });
    });

    it("that was aborted leaves nothing", async ({ ann }) => {
      const bytes = large(6);
      const { id } = (await ann.begin(REPO, { path: "k.safetensors", size: bytes.byteLength })).body;
      await ann.send(id, bytes, [1]);
      const staged = await ann.upload(REPO, "l.safetensors", weightsOf(1000, 7));
      expect([await ann.abort(id), await ann.abort(id), await ann.abort(staged.id)]).toMatchObject([
        { status: 204 },
        { status: 204 },
        { status: 204 },
      ]);
      expect((await ann.get(id)).body).toMatchObject({ state: "aborted", arrived: [] });
      expect(await ann.ask("POST", `/uploads/${id}/parts`, { numbers: [2] })).toMatchObject({
        status: 409,
        body: { code: "already_ended" },
      });
      expect((await ann.complete(id)).body.state).toBe("aborted");
      expect(await hashUpload(staged.id)).toBeNull();
      const { storageKey } = await database().upload.findUniqueOrThrow({ where: { id: staged.id } });
      await sweep();
      expect([await openMultiparts(), await objectStore().head(storageKey)]).toEqual([[], null]);
      await expectSound();
    });

    it("that was left alone is swept away with all that came of it", async ({ ann }) => {
      const receiving = (await ann.begin(REPO, { path: "m.safetensors", size: 2 * PART_BYTES })).body;
      await ann.send(receiving.id, large(8), [1]);
      const hashing = await ann.upload(REPO, "n.safetensors", weightsOf(1000, 9));
      const verified = await ann.upload(REPO, "o.safetensors", weightsOf(1000, 10));
      await hashUpload(verified.id);
      const failed = await ann.upload(REPO, "p.safetensors", Buffer.from("no weights"));
      await hashUpload(failed.id);

      await sweep(new Date(Date.now() + 6 * DAY)); // in time
      expect((await ann.get(verified.id)).body.state).toBe("verified");
      const late = new Date(Date.now() + 8 * DAY);
      await sweep(late);
      const states = await Promise.all(
        [receiving, hashing, verified, failed].map(async ({ id }) => (await ann.get(id)).body.state as string),
      );
      expect(states).toEqual(["expired", "expired", "expired", "failed"]);
      const later = new Date(late.getTime() + 4 * DAY); // the verified bytes had a grace of their own
      await sweep(later);
      const committed = await database().blob.findMany({ where: { repos: { some: {} } } });
      expect([await storedKeys(), await openMultiparts()]).toEqual([
        committed.map(({ storageKey }) => storageKey).toSorted(),
        [],
      ]);
      await expectSound(later);
    });
  });
}
