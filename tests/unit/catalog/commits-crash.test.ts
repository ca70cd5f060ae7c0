import { spawn } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { createCommit, headOf, readManifest } from "#lib/catalog/commits/service.ts";
import { createRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../../support/actors.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
let ann: Person;

beforeAll(async () => void (ann = await newPerson("ann")));
afterAll(() => hub.close());

/** Makes the commit in a process that dies by its own hand at that step; what it printed before. */
async function commitAndDie(
  step: string,
  name: object,
  input: object,
): Promise<{ signal: NodeJS.Signals | null; told: string }> {
  const argument = JSON.stringify({ actor: { ...ann, scopes: [...ann.scopes] }, name, input });
  const child = spawn(
    process.execPath,
    [fileURLToPath(new URL("../../support/committer.ts", import.meta.url)), argument],
    { env: { ...process.env, ...hub.variables, GUIDEPOST_FAILPOINT: step }, stdio: ["ignore", "pipe", "inherit"] },
  );
  let told = "";
  child.stdout.on("data", (piece: Buffer) => void (told += String(piece)));
  const [, signal] = (await once(child, "close")) as [number | null, NodeJS.Signals | null];
  return { signal, told };
}

describe("a process is killed while it commits", () => {
  test.each([
    ["commit.object", false],
    ["commit.rows", false],
    ["commit.done", true],
  ] as const)(
    "after %s: nothing of it is there or all of it, and sending it again makes it once",
    async (step, isThere) => {
      const name = { owner: "ann", repo: step };
      const repo = await createRepo(ann, { owner: "ann", name: step, kind: "finetune", visibility: "public" });
      const first = await createCommit(ann, name, {
        title: "First",
        operations: [{ op: "add", path: "a", content: "a" }],
      });
      const input = {
        parent: first.id,
        title: "Second",
        operations: [
          { op: "add", path: "README.md", content: `---\nlicense: mit\n---\n${step}` },
          { op: "delete", path: "a" },
        ],
      } as const;

      expect(await commitAndDie(step, name, input)).toEqual({ signal: "SIGKILL", told: "" });
      const counts = () => database().commit.count({ where: { repoId: repo.id } });
      const license = async () =>
        (await database().repo.findUniqueOrThrow({ where: { id: repo.id }, select: { license: true } })).license;
      expect([await counts(), await license(), (await headOf(repo.id)) !== first.id]).toEqual(
        isThere ? [2, "mit", true] : [1, null, false],
      );

      const again = await createCommit(ann, name, { ...input, operations: [...input.operations] });
      expect(again).toMatchObject({ parent: first.id, isNew: !isThere });
      expect([await counts(), await license(), await headOf(repo.id)]).toEqual([2, "mit", again.id]);
      expect(await database().inspection.count({ where: { commitId: again.id } })).toBe(1);
      const files = await readManifest(again.id);
      expect(files.map(({ path }) => path)).toEqual(["README.md"]);
      const { storageKey } = await database().blob.findUniqueOrThrow({ where: { sha256: files[0]!.sha256 } });
      expect(Buffer.concat(await (await objectStore().read(storageKey)).toArray()).toString()).toContain(step);
    },
  );
});
