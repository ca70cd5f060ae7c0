import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { readdir } from "node:fs/promises";
import { join } from "node:path";
import { buffer } from "node:stream/consumers";
import { fileURLToPath } from "node:url";
import { decode } from "fast-png";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import type { Person } from "#lib/auth/actor.ts";
import { headOf, readManifest } from "#lib/catalog/commits/service.ts";
import { costQuery, newDistillation } from "#lib/catalog/distillations/schema.ts";
import {
  cancelDistillation,
  costOf,
  createDistillation,
  pauseDistillation,
  resumeDistillation,
} from "#lib/catalog/distillations/service.ts";
import { distillationMetrics, findSample, getDistillation } from "#lib/catalog/distillations/views.ts";
import { piecesOf } from "#lib/catalog/kept/repository.ts";
import { sweepPieces } from "#lib/catalog/kept/service.ts";
import { createPreview } from "#lib/catalog/previews/service.ts";
import { getPreview } from "#lib/catalog/previews/views.ts";
import { deleteRepo } from "#lib/catalog/repos/service.ts";
import { database } from "#lib/db/client.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { newPerson } from "../support/actors.ts";
import { familyFiles, newRepoWith, workOff } from "../support/evidence.ts";
import { asking } from "../support/previews.ts";
import { expectSound } from "../support/sound-hub.ts";
import { useTempHub } from "../support/temp-hub.ts";

const hub = await useTempHub({ GUIDEPOST_THREADS: "1", GUIDEPOST_PLACES: "1", GUIDEPOST_QUOTA_DEVICE_TIME: "none" });
const LONG = 600_000;
const workers: ChildProcess[] = [];
let ann: Person;

/** A worker process that keeps every step. */
async function start(): Promise<ChildProcess> {
  const worker = spawn(
    process.execPath,
    [...process.execArgv, fileURLToPath(new URL("../support/distill-worker.ts", import.meta.url))],
    { env: { ...process.env, ...hub.variables }, stdio: ["ignore", "inherit", "inherit", "ipc"] },
  );
  workers.push(worker);
  await once(worker, "message");
  return worker;
}

beforeAll(async () => {
  ann = await newPerson("ann");
  await newRepoWith(ann, { name: "base", kind: "base" }, await familyFiles("sd1"));
  await workOff("inspect");
}, LONG);
afterEach(async () => {
  for (const worker of workers.splice(0)) {
    if (worker.exitCode !== null || worker.signalCode !== null) continue;
    worker.kill("SIGKILL");
    await once(worker, "exit");
  }
});
afterAll(() => hub.close());

const STEPS = 200;
const begin = (name: string, more: object = {}) =>
  createDistillation(
    ann,
    newDistillation.parse({
      base: "ann/base",
      owner: "ann",
      name,
      share: 0.5,
      steps: STEPS,
      trajectories: 4,
      prompts: ["a red house", "a boat at sea", "a tree"],
      ...more,
    }),
  );
const view = (id: string) => getDistillation(ann, id);
const stateOf = async (id: string) => {
  const { state, problem } = await view(id);
  return problem === null ? state : `${state}: ${problem}`;
};
const kept = async (id: string): Promise<number> => (await view(id)).keptSteps ?? 0;
const until = (id: string, state: string) => expect.poll(() => stateOf(id), { timeout: LONG }).toBe(state);

/** The guide of a distillation that nobody disturbed. */
let undisturbed: string;

describe("a distillation", () => {
  test("ends in a published guide, which is read and paired with its base", { timeout: LONG }, async () => {
    const cost = costQuery.parse({ base: "ann/base", share: 0.5, steps: STEPS, trajectories: 4 });
    expect(await costOf(ann, cost)).toMatchObject({ share: 0.5, seconds: null });
    const { id, state, guide } = await begin("first");
    expect([state, guide]).toEqual(["queued", { repo: "ann/first", commit: null }]);
    await start();
    await until(id, "succeeded");
    const done = await view(id);
    undisturbed = done.record!.guide.sha256;
    expect(done.plan!.guide.parameters).toBe(done.record!.guide.parameters);
    expect(done.record!.base.trainable).toBe(0);
    expect(done.looks.map(({ step }) => step)).toEqual([50, 100, 150, 200]);
    expect(done.losses.map(({ step }) => step)).toEqual(Array.from({ length: STEPS }, (_, i) => i + 1));
    expect((await distillationMetrics(ann, id)).losses).toHaveLength(STEPS);

    const drawn = done.samples.map(({ step, position, mode }) => `${mode} of ${position} after ${step}`);
    const after = (step: number) => [0, 1].map((position) => `guide of ${position} after ${step}`);
    expect(drawn).toEqual(["cfg of 0 after 0", "cfg of 1 after 0", ...[50, 100, 150, 200].flatMap(after)]);
    const picture = async (name: string) => {
      const { storageKey } = await findSample(ann, id, name);
      return decode(await buffer(await objectStore().read(storageKey)));
    };
    const [early, late] = [await picture("50-0-guide"), await picture("200-0-guide")];
    expect([late.width, late.height]).toEqual([done.samples[0]!.width, done.samples[0]!.height]);
    expect(late.data).not.toEqual(early.data); // it has learned meanwhile
    await expect(findSample(ann, id, "51-0-guide")).rejects.toMatchObject({ code: "not_found" });

    const files = await readManifest(done.guide.commit!);
    expect(files.map(({ path }) => path).toSorted()).toEqual(
      ["README.md", "curves.csv", "curves.svg", "guide.safetensors", "prompts.txt", "record.json"].toSorted(),
    );
    expect(files.find(({ path }) => path === "guide.safetensors")!.sha256).toBe(undisturbed);
    const pairs = () =>
      database().pair.findMany({ where: { guideCommitId: done.guide.commit }, select: { finetuneCommitId: true } });
    await expect.poll(pairs, { timeout: LONG }).toEqual([{ finetuneCommitId: done.base!.commit }]);
    expect((await costOf(ann, cost)).seconds).not.toBeNull();
  });

  test("goes on with another worker when its own is killed, to the very same guide", { timeout: LONG }, async () => {
    const { id } = await begin("killed", { steps: STEPS });
    const first = await start();
    await expect.poll(() => kept(id), { timeout: LONG, interval: 20 }).toBeGreaterThan(3);
    first.kill("SIGKILL");
    await once(first, "exit");
    const reached = await kept(id);
    expect(reached).toBeLessThan(STEPS);
    await start();
    await until(id, "succeeded");
    const job = await database().job.findFirstOrThrow({ where: { subjectId: id } });
    expect([job.attempt, job.checkpointKey]).toEqual([2, null]);
    const { record, losses } = await view(id);
    expect(record!.guide.sha256).toBe(undisturbed);
    expect(losses).toHaveLength(STEPS);
    expect(await readdir(join(hub.folder, "cache", "runs"), { recursive: true })).not.toContain(
      expect.stringMatching(/run\.json$/),
    );
  });

  test("is paused and resumed, to the very same guide", { timeout: LONG }, async () => {
    const { id } = await begin("paused");
    await start();
    await expect.poll(() => kept(id), { timeout: LONG, interval: 20 }).toBeGreaterThan(3);
    expect((await pauseDistillation(ann, id)).state).toBe("paused");
    const { checkpointKey } = await database().job.findFirstOrThrow({ where: { subjectId: id } });
    expect(await objectStore().head(checkpointKey!)).not.toBeNull();
    await expect(pauseDistillation(ann, id)).rejects.toMatchObject({ code: "already_ended" });
    await sweepPieces(new Date());
    await expect.poll(async () => (await piecesOf(id, Infinity)).length, { timeout: LONG }).toBeGreaterThan(0); // what the base drew is there for who goes on
    const before = (await view(id)).keptSteps!;
    expect((await resumeDistillation(ann, id)).state).toBe("queued");
    expect((await view(id)).keptSteps).toBe(before);
    await until(id, "succeeded");
    expect((await view(id)).record!.guide.sha256).toBe(undisturbed);
    await sweepPieces(new Date());
    expect(await piecesOf(id, Infinity)).toEqual([]);
    await expect(resumeDistillation(ann, id)).rejects.toMatchObject({ code: "conflict" });
  });

  test("lets a preview in between, though there is one place, and goes on", { timeout: LONG }, async () => {
    const { id } = await begin("polite", { steps: 2000 });
    await start();
    await expect.poll(() => kept(id), { timeout: LONG }).toBeGreaterThan(3);
    const { id: preview } = await createPreview(ann, asking({ finetune: "ann/base", guide: null }));
    await expect.poll(async () => (await getPreview(ann, preview)).state, { timeout: LONG }).toBe("succeeded");
    expect(await stateOf(id)).toBe("running");
    const reached = await kept(id);
    await expect.poll(() => kept(id), { timeout: LONG }).toBeGreaterThan(reached);
    expect((await database().job.findFirstOrThrow({ where: { subjectId: id } })).attempt).toBe(1);

    expect((await cancelDistillation(ann, id)).state).toBe("cancelled");
    const job = () => database().job.findFirstOrThrow({ where: { subjectId: id } });
    expect(await job()).toMatchObject({ state: "cancelled", checkpointKey: null });
    await expect(cancelDistillation(ann, id)).rejects.toMatchObject({ code: "already_ended" });
    expect(await headOf((await database().distillation.findUniqueOrThrow({ where: { id } })).repoId)).toBeNull();
  });

  test("whose repo is deleted meanwhile ends and says so", { timeout: LONG }, async () => {
    const { id } = await begin("unwanted", { steps: 2000 });
    await start();
    await expect.poll(() => kept(id), { timeout: LONG }).toBeGreaterThan(3);
    await deleteRepo(ann, { owner: "ann", repo: "unwanted" });
    const job = () => database().job.findFirstOrThrow({ where: { subjectId: id } });
    await expect
      .poll(async () => (await job()).problem, { timeout: LONG })
      .toBe("The guide's repo was deleted while it was made, so nothing was published.");
    await expect(view(id)).rejects.toMatchObject({ code: "not_found" });
  });

  test("whose base is deleted meanwhile ends and says so, and keeps what it has", { timeout: LONG }, async () => {
    const { id } = await begin("orphan");
    await deleteRepo(ann, { owner: "ann", repo: "base" });
    await start();
    await until(
      id,
      "failed: The base is gone, or whoever asked for the guide may not see it any more; what was made so far is kept, and goes on when the base is back.",
    );
    expect((await view(id)).base).toBeNull();
    await expect(resumeDistillation(ann, id)).rejects.toMatchObject({ code: "conflict" });
    await expectSound();
  });
});
