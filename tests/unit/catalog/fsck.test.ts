import { execFile } from "node:child_process";
import { truncate, utimes, writeFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { createCommit } from "#lib/catalog/commits/service.ts";
import { isSound, type FsckReport } from "#lib/catalog/fsck/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { beginUpload } from "#lib/catalog/uploads/begin.ts";
import { database } from "#lib/db/client.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { newObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../../support/actors.ts";
import { examine } from "../../support/sound-hub.ts";
import { stageWhole } from "../../support/stage-upload.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { hashUpload, sha256Of, weightsOf } from "../../support/upload-client.ts";

const hub = await useTempHub();
const DAY = 86_400_000;
const model = { owner: "ann", repo: "model" };
const weights = weightsOf(5000);
let ann: Person;
let commitId: string;

beforeAll(async () => {
  ann = await newPerson("ann");
  await createRepo(ann, { ...model, name: "model", kind: "finetune", visibility: "public" });
  const { id } = await stageWhole(ann, "ann/model", "model.safetensors", weights);
  await hashUpload(id);
  commitId = (
    await createCommit(ann, model, {
      title: "First",
      operations: [
        { op: "add", path: "model.safetensors", upload: id },
        { op: "add", path: "a.txt", content: "text" },
      ],
    })
  ).id;
  await beginUpload(ann, model, { path: "b.safetensors", size: 10 });
});
afterAll(() => hub.close());

const pathOf = async (content: string | Uint8Array): Promise<string> =>
  (objectStore() as DiskStore).pathOf(
    (await database().blob.findUniqueOrThrow({ where: { sha256: sha256Of(content) } })).storageKey,
  );

/** The lists that are not empty. */
const faults = (report: FsckReport): Partial<FsckReport> =>
  Object.fromEntries(Object.entries(report).filter(([, list]) => Array.isArray(list) && list.length > 0));

const command = (...args: string[]): Promise<{ code: number; stdout: string; stderr: string }> =>
  new Promise((done) => {
    const run = execFile(
      process.execPath,
      [fileURLToPath(new URL("../../../workers/cli/main.ts", import.meta.url)), "fsck", ...args],
      { env: { ...process.env, ...hub.variables } },
      (_failure, stdout, stderr) => done({ code: run.exitCode!, stdout, stderr }),
    );
  });

test("a hub as it should be", async () => {
  const report = await examine(new Date(), true);
  expect(faults(report)).toEqual({});
  expect(report.checked).toEqual({ blobs: 2, bytes: 5004, objects: 2, uploads: 2, commits: 1 });
  expect(isSound(report)).toBe(true);
});

describe("the command", () => {
  test("says so, and exits with 0", async () => {
    expect(await command()).toEqual({
      code: 0,
      stderr: "",
      stdout:
        "Looked at 2 contents of 5004 bytes, 2 objects, 2 uploads and 1 commits.\nRows and bytes agree in place and size; --deep reads the bytes too.\n",
    });
    const { code, stdout } = await command("--deep", "--json");
    expect([code, JSON.parse(stdout)]).toMatchObject([0, { missingObjects: [], checked: { blobs: 2 } }]);
  });

  test("exits with 1 and names what is wrong", async () => {
    const path = await pathOf("text");
    await writeFile(path, "test");
    const quick = await command();
    const deep = await command("--deep");
    await writeFile(path, "text");
    expect(quick.code).toBe(0);
    expect(deep).toEqual({
      code: 1,
      stderr: "",
      stdout: `hashMismatch: 1\n  sha256 ${sha256Of("text")}, actual ${sha256Of("test")}\nLooked at 2 contents of 5004 bytes, 2 objects, 2 uploads and 1 commits.\nThey do not agree.\n`,
    });
  });
});

describe("each fault is found:", () => {
  test("an object that is not there", async () => {
    const { storageKey } = await database().blob.findUniqueOrThrow({ where: { sha256: sha256Of("text") } });
    await objectStore().delete(storageKey);
    expect(faults(await examine())).toEqual({ missingObjects: [{ sha256: sha256Of("text"), storageKey }] });
    await objectStore().put(storageKey, Buffer.from("text"));
  });

  test("an object that was cut", async () => {
    const path = await pathOf(weights);
    await truncate(path, 4999);
    expect(faults(await examine())).toEqual({
      wrongSize: [{ sha256: sha256Of(weights), expected: 5000, actual: 4999 }],
    });
    await writeFile(path, weights);
  });

  test("a bit that tipped over, when every byte is read", async () => {
    const path = await pathOf(weights);
    const tipped = Buffer.from(weights);
    tipped[4321]! ^= 1;
    await writeFile(path, tipped);
    expect(faults(await examine())).toEqual({});
    expect(faults(await examine(new Date(), true))).toEqual({
      hashMismatch: [{ sha256: sha256Of(weights), actual: sha256Of(tipped) }],
    });
    await writeFile(path, weights);
  });

  test("objects and uploads of the store that no row names, once they are old", async () => {
    const key = newObjectKey();
    await objectStore().put(key, Buffer.from("stray"));
    const storageId = await objectStore().beginMultipart(newObjectKey());
    expect(faults(await examine())).toEqual({});
    const old = new Date(Date.now() - 10 * DAY);
    await utimes((objectStore() as DiskStore).pathOf(key), old, old);
    expect(faults(await examine())).toEqual({ orphanObjects: [key] });
    expect((await examine(new Date(Date.now() + 2 * DAY))).orphanMultiparts).toEqual([storageId]);
    await objectStore().delete(key);
  });

  test("bytes that nothing names and nobody removed", async () => {
    const { sha256 } = await storeBytes(Buffer.from("unnamed"));
    await database().blob.update({ where: { sha256 }, data: { unusedSince: new Date() } });
    expect(faults(await examine())).toEqual({});
    expect(faults(await examine(new Date(Date.now() + 4 * DAY)))).toMatchObject({ unreferencedPastGrace: [sha256] });
    await database().blob.update({ where: { sha256 }, data: { unusedSince: null } });
  });

  describe("rows that point nowhere, as after a backup without its rules", () => {
    const without = async (sql: string): Promise<FsckReport["danglingRefs"]> => {
      let found: FsckReport["danglingRefs"] = [];
      const { danglingRefs } = await import("#lib/catalog/fsck/repository.ts");
      const undo = new Error("undo");
      await database()
        .$transaction(async (transaction) => {
          await transaction.$executeRawUnsafe("SET LOCAL session_replication_role = replica"); // no rules, no foreign keys
          for (const statement of sql.split("; ")) await transaction.$executeRawUnsafe(statement);
          found = await danglingRefs(transaction as ReturnType<typeof database>);
          throw undo;
        })
        .catch((cause: unknown) => {
          if (cause !== undo) throw cause;
        });
      return found;
    };

    test.each([
      [
        "a file without its content",
        `DELETE FROM blob WHERE sha256 = '${sha256Of("text")}'`,
        [{ row: "repo_blob", fault: `its content ${sha256Of("text")} has no row` }],
      ],
      [
        "a file whose content is being purged",
        `UPDATE blob SET purging_at = now() WHERE sha256 = '${sha256Of("text")}'`,
        [{ row: "repo_blob", fault: `its content ${sha256Of("text")} is being purged` }],
      ],
      [
        "a branch without its commit",
        "DELETE FROM commit",
        [{ row: "ref", fault: expect.stringMatching(/^its commit [0-9a-f]{40} is not in its repo$/) as string }],
      ],
      ["a repo without its branch", "DELETE FROM ref", [{ row: "repo", fault: "it has commits and no branch main" }]],
      [
        "a commit that lost a file",
        "DELETE FROM tree_entry WHERE path = 'a.txt'",
        [
          { row: "repo_blob", fault: "it says that the newest commit has it at 1 paths, and that has it at 0" },
          { row: "tree", fault: "its entries are not those that it says" },
        ],
      ],
      [
        "a commit that lost its tree",
        "DELETE FROM tree",
        [
          {
            row: "commit",
            fault: expect.stringMatching(/^its tree [0-9a-f]{64} is not there, or has other files$/) as string,
          },
        ],
      ],
      [
        "a file of another content",
        `UPDATE tree_entry SET blob_sha256 = '${"e".repeat(64)}' WHERE path = 'a.txt'`,
        [
          { row: "repo_blob", fault: "it says that the newest commit has it at 1 paths, and that has it at 0" },
          { row: "tree", fault: "its entries are not those that it says" },
          { row: "tree_entry", fault: `its content ${"e".repeat(64)} is not one of its repo` },
        ],
      ],
      [
        "a commit that lost its parent",
        `UPDATE commit SET parent_id = '${"e".repeat(40)}'`,
        [{ row: "commit", fault: `its parent ${"e".repeat(40)} is not in its repo` }],
      ],
      [
        "a picture of a sheet without its pair",
        `INSERT INTO preview (id, finetune_commit_id, recipe, unit_id, pair_id, sheet_index) SELECT gen_random_uuid(), id, '{}', 'none', gen_random_uuid(), 0 FROM commit LIMIT 1`,
        [{ row: "preview", fault: "it is of the sheet of a pair that is not there" }],
      ],
      [
        "a verified upload without its content",
        `UPDATE upload SET state = 'verified', blob_sha256 = '${"e".repeat(64)}' WHERE path = 'b.safetensors'`,
        [{ row: "upload", fault: "it is verified, and its content has no row, or is being purged" }],
      ],
    ])("%s", async (_what, sql, expected) => expect(await without(sql)).toMatchObject(expected));
  });

  describe("what is stuck", () => {
    const late = new Date(Date.now() + 11 * 60_000);

    beforeEach(async () => {
      await database().job.deleteMany();
      await database().inspection.deleteMany();
    });

    test("work that no job will do", async () => {
      const { id } = await stageWhole(ann, "ann/model", "c.txt", Buffer.from("c"));
      expect(faults(await examine(late))).toEqual({});
      await database().job.updateMany({ data: { state: "cancelled" } });
      expect(faults(await examine())).toEqual({});
      expect(faults(await examine(late))).toEqual({
        stuckStates: [{ row: "upload", id, fault: "it is hashing, and no job will do it" }],
      });
      await database().job.updateMany({ data: { state: "queued" } });
      await hashUpload(id);
      const inspection = await database().inspection.create({ data: { commitId, toolVersion: "test" } });
      expect((await examine(late)).stuckStates).toEqual([
        { row: "inspection", id: inspection.id, fault: "it is queued, and no job will do it" },
      ]);
    });

    test("uploads that nobody swept away, and repos that nobody purged", async () => {
      const { id } = await beginUpload(ann, model, { path: "d.txt", size: 1 });
      await database().upload.update({ where: { id }, data: { expiresAt: new Date(Date.now() + 1000) } });
      expect((await examine(late)).stuckStates).toEqual([
        { row: "upload", id, fault: "its time was over and it has not ended" },
      ]);
      await database().upload.update({ where: { id }, data: { state: "aborted" } });
      expect((await examine(late)).stuckStates).toEqual([
        { row: "upload", id, fault: "it has ended and its bytes were not cleared away" },
      ]);
      await database().upload.delete({ where: { id } });

      const repo = await createRepo(ann, { owner: "ann", name: "hidden", kind: "guide", visibility: "public" });
      await database().repo.update({ where: { id: repo.id }, data: { deletedAt: new Date(Date.now() - 3.1 * DAY) } });
      expect((await examine()).stuckStates).toEqual([
        { row: "repo", id: repo.id, fault: "it was deleted and not purged" },
      ]);
      await database().repo.delete({ where: { id: repo.id } });
    });
  });
});

test("it writes nothing", async () => {
  const tables = ["blob", "upload", "commit", "tree", "tree_entry", "repo_blob", "ref", "repo", "outbox"];
  const snapshot = async (): Promise<unknown> =>
    Promise.all(
      tables.map((table) =>
        database().$queryRawUnsafe(`SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM ${table} t`),
      ),
    );
  const before = await snapshot();
  await examine(new Date(Date.now() + 400 * DAY), true);
  expect(await snapshot()).toEqual(before);
});
