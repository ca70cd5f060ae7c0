import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { text } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { readManifest } from "#lib/catalog/commits/service.ts";
import { createRepo, deleteRepo } from "#lib/catalog/repos/service.ts";
import { PART_BYTES } from "#lib/catalog/uploads/schema.ts";
import { isSound } from "#lib/catalog/fsck/service.ts";
import { database } from "#lib/db/client.ts";
import { type Failpoint, failpoints } from "#lib/util/failpoint.ts";
import { newPerson } from "../support/actors.ts";
import { examine, expectSound, openMultiparts, storedKeys } from "../support/sound-hub.ts";
import { useTempHub } from "../support/temp-hub.ts";
import { sha256Of, weightsOf } from "../support/upload-client.ts";
import type { Told, Wish } from "./told.ts";

const hub = await useTempHub({ GUIDEPOST_GRACE: "1d" });
const folder = await mkdtemp(join(tmpdir(), "guidepost-crash-"));
const life = fileURLToPath(new URL("life.ts", import.meta.url));
const DAY = 86_400_000;
const hit = new Set<string>();
let ann: Person;

beforeAll(async () => void (ann = await newPerson("ann")));
afterAll(async () => {
  await rm(folder, { recursive: true });
  await hub.close();
});

/** A life of hub and client that ends where it is told to, by SIGKILL, or at its end. @returns what the client was told */
async function live(wish: Wish, failpoint?: string): Promise<Told[]> {
  const child = spawn(process.execPath, [life, JSON.stringify(wish)], {
    env: { ...process.env, ...hub.variables, ...(failpoint && { GUIDEPOST_FAILPOINT: failpoint }) },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const [out, said, [code, signal]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, "exit")]);
  expect([code, signal], said).toEqual(failpoint ? [null, "SIGKILL"] : [0, null]);
  if (failpoint) hit.add(failpoint.split(":")[0]!);
  return out
    .split("\n")
    .filter(Boolean)
    .map((line) => JSON.parse(line) as Told);
}

/** What was ever told of a thing, over all lives. */
const told = <Key extends string>(lives: readonly Told[], key: Key): Extract<Told, Record<Key, unknown>>[] =>
  lives.filter((one): one is Extract<Told, Record<Key, unknown>> => key in one);

async function newUpload(bytes: Uint8Array): Promise<Extract<Wish, { do: "upload" }>> {
  const [name, key] = [`model-${randomUUID().slice(0, 8)}`, randomUUID()];
  await createRepo(ann, { owner: "ann", name, kind: "finetune", visibility: "public" });
  const file = join(folder, key);
  await writeFile(file, bytes);
  const { scopes: _, ...person } = ann;
  return { do: "upload", person, owner: "ann", repo: name, path: "model.safetensors", file, key };
}

/** Life after life, each of which gets a step further, until one comes to its end. Rows and bytes agree after each. */
async function walk(
  wish: Extract<Wish, { do: "upload" }>,
  steps: readonly (Failpoint | `${Failpoint}:${number}`)[],
): Promise<Told[]> {
  const lives: Told[] = [];
  for (const step of [...steps, undefined]) {
    const now = await live(wish, step);
    requireKept(lives, now);
    lives.push(...now);
    await expectSound();
  }
  return lives;
}

const ORDER = ["open", "receiving", "hashing", "verified", "linked"];

/** Nothing that a client was told before is undone in the next life. */
function requireKept(before: readonly Told[], now: readonly Told[]): void {
  const begun = told(now, "begun")[0];
  if (!begun) return; // killed before it was told anything
  for (const { begun: id } of told(before, "begun")) expect(id).toBe(begun.begun);
  const parts = told(before, "part").map(({ part }) => part);
  expect(begun.arrived).toEqual(expect.arrayContaining(parts));
  expect(told(now, "part").filter(({ part }) => parts.includes(part))).toEqual([]); // no byte is sent twice
  const reached = [
    ...told(before, "begun").map(({ state }) => state),
    ...told(before, "completed").map(({ completed }) => completed),
    ...told(before, "read").map(({ read }) => read),
  ];
  for (const state of reached) expect(ORDER.indexOf(begun.state)).toBeGreaterThanOrEqual(ORDER.indexOf(state));
}

async function requireCommitted(
  wish: Extract<Wish, { do: "upload" }>,
  bytes: Uint8Array,
  lives: readonly Told[],
): Promise<void> {
  expect(new Set(told(lives, "read").map(({ sha256 }) => sha256))).toEqual(new Set([sha256Of(bytes)]));
  const [commit, ...others] = new Set(told(lives, "committed").map(({ committed }) => committed));
  expect(others).toEqual([]);
  expect((await readManifest(commit!)).map(({ path, sha256 }) => [path, sha256])).toEqual([
    ["model.safetensors", sha256Of(bytes)],
    ["README.md", sha256Of(`# ${wish.key}\n`)],
  ]);
  expect(await database().commit.count({ where: { repo: { name: wish.repo } } })).toBe(1);
  expect(await database().upload.count({ where: { idempotencyKey: wish.key } })).toBe(1);
  const { id, state } = await database().upload.findFirstOrThrow({ where: { idempotencyKey: wish.key } });
  expect(state).toBe("linked");
  expect(await database().$queryRaw`SELECT count(*)::int AS jobs FROM job WHERE subject_id = ${id}::uuid`).toEqual([
    { jobs: 1 },
  ]);
}

describe("killed at each step, and begun again by a client that knows nothing but its key:", () => {
  test("an upload of two parts, until it is in a commit", async () => {
    const bytes = weightsOf(PART_BYTES + 1000, 1);
    const wish = await newUpload(bytes);
    const lives = await walk(wish, [
      "upload.row",
      "upload.multipart",
      "upload.part",
      "upload.part",
      "upload.completing",
      "upload.assembled",
      "upload.queued",
      "hash.claimed",
      "hash.read",
      "hash.blob",
      "hash.done",
      "commit.object",
      "commit.rows",
      "commit.done",
    ]);
    await requireCommitted(wish, bytes, lives);
  });

  test("bytes that the hub has already, an empty file among them", async () => {
    for (const bytes of [weightsOf(PART_BYTES + 1000, 1), Buffer.alloc(0)]) {
      const wish = { ...(await newUpload(bytes)), path: bytes.byteLength > 0 ? "model.safetensors" : "model.txt" };
      const lives = await walk(wish, bytes.byteLength > 0 ? ["hash.blob", "commit.rows"] : ["upload.assembled"]);
      expect(told(lives, "committed")).toHaveLength(1);
    }
  });

  test("the removal of what nobody names any more, and nothing but that is left", async () => {
    for (const { name } of await database().repo.findMany({ select: { name: true } }))
      await deleteRepo(ann, { owner: "ann", repo: name });
    let now = Date.now();
    const sweep = (step?: Failpoint): Promise<Told[]> => live({ do: "sweep", now: new Date(now).toISOString() }, step);
    /** What is late is the sweeper's to remove; nothing else may be wrong. */
    const expectLate = async (): Promise<void> => {
      const found = await examine(new Date(now), true);
      expect(found.unreferencedPastGrace.length).toBeGreaterThan(0);
      expect({ ...found, unreferencedPastGrace: [], stuckStates: [] }).toSatisfy(isSound);
    };
    now += 2 * DAY;
    await sweep(); // the repos go, and what they named is unused from here on
    now += 2 * DAY;
    for (const step of ["purge.marked", "purge.object"] as const) {
      await sweep(step);
      await expectLate();
    }
    await sweep();
    await expectSound(new Date(now));
    expect([
      await storedKeys(),
      await openMultiparts(),
      await database().blob.count(),
      await database().upload.count(),
    ]).toEqual([[], [], 0, 0]);
  });
});

test("every step of uploads, hashing, commits and purges was hit", () => {
  expect([...hit].toSorted()).toEqual(
    failpoints.filter((name) => /^(?:upload|hash|commit|purge)\./.test(name)).toSorted(),
  );
});
