import pg from "pg";
import { afterAll, beforeAll, expect, test } from "vitest";
import { type Actor, anonymous, hub as theHub, type Person } from "#lib/auth/actor.ts";
import { cancelSubject, getJobTimeline, listJobs, listWorkers } from "#lib/catalog/jobs/service.ts";
import type { JobItem, JobQuery } from "#lib/catalog/jobs/schema.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { registerWorker } from "#lib/queue/workers.ts";
import { ids, oid, sha, smallHub, uuid } from "../../support/small-hub.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { workerRow } from "../../support/worker-row.ts";

const hub = await useTempHub();
const person = (userId: string, isOperator = false): Actor => ({
  kind: "person",
  userId,
  name: userId,
  isOperator,
  scopes: new Set(["read", "write", "run"]),
  tokenId: null,
});
const [ann, bob, operator] = [person("ann"), person("bob"), person("bob", true)];
const inspection = uuid(20);

const recipe = {
  asked: {
    finetune: "Lab/pencil",
    revision: "HEAD",
    guide: "ann/tiny",
    guideRevision: "HEAD",
    prompt: "a house",
    negativePrompt: null,
    seed: 1,
    steps: 20,
    guidanceScale: 5,
    cfgSteps: 0,
    sampler: "ddim",
  },
  base: { commitId: oid("3"), name: "pencil" },
  lowRank: [],
  guide: { commitId: oid("4"), name: "tiny", path: "guide.safetensors" },
};

const list = async (actor: Actor, query: Partial<JobQuery> = {}): Promise<JobItem[]> =>
  (await listJobs(actor, { mine: false, limit: 30, ...query })).items;
const kinds = (items: readonly JobItem[]): string[] => items.map(({ kind }) => kind).toSorted();

beforeAll(async () => {
  const client = new pg.Client(hub.database.url);
  await client.connect();
  await client.query(smallHub);
  await client.end();
  await database().job.deleteMany();
  const job = { state: "queued", resource: "files", lane: "seconds", priority: 50 } as const;
  await database().job.createMany({
    data: [
      { ...job, kind: "hash", subjectId: ids.upload, state: "succeeded", attempt: 2, userId: "ann" },
      { ...job, kind: "inspect", subjectId: inspection, userId: "bob" }, // of his commit
      {
        ...job,
        kind: "preview",
        subjectId: ids.column,
        resource: "compute",
        priority: 10,
        state: "succeeded",
      },
    ],
  });
  await inLockedTransaction(database(), async (transaction) => {
    await transaction.pair.update({
      where: { id: ids.pair },
      data: { summary: { request: { pictures: 4 } } },
    });
    await enqueue(transaction, { kind: "check", subjectId: ids.pair, priority: "batch" });
    await transaction.preview.update({ where: { id: ids.preview }, data: { recipe } });
    await enqueue(transaction, { kind: "preview", subjectId: ids.preview, priority: "person", userId: "ann" });
  });
  const { id: jobId } = await database().job.findFirstOrThrow({ where: { subjectId: ids.preview } });
  await database().jobProgress.create({
    data: { jobId, subjectId: ids.preview, value: { step: 3, picture: "data:" } },
  });
});
afterAll(() => hub.close());

test("everybody sees what is about repos that they may see, and their own uploads and previews", async () => {
  expect(kinds(await list(ann))).toEqual(["check", "hash", "inspect", "preview"]);
  expect(kinds(await list(bob))).toEqual(["inspect"]); // the guide is private to Ann, and so is what was measured with it
  expect(kinds(await list(anonymous))).toEqual(["inspect"]);
  for (const actor of [operator, theHub])
    expect(kinds(await list(actor))).toEqual(["check", "hash", "inspect", "preview", "preview"]); // one is of a sheet, which is nobody's
  await expect(getJobTimeline(bob, ids.preview)).rejects.toMatchObject({ code: "not_found" });
  await expect(cancelSubject(bob, ids.preview)).rejects.toMatchObject({ code: "not_found" });
});

test("a list can be narrowed, and comes in pages", async () => {
  expect(kinds(await list(bob, { mine: true }))).toEqual(["inspect"]); // of his commit
  expect(kinds(await list(ann, { mine: true }))).toEqual(["hash", "preview"]);
  expect(await list(ann, { kind: "hash" })).toMatchObject([
    { subjectId: ids.upload, state: "succeeded", repo: "Lab/pencil", guide: null, path: "b.safetensors", attempt: 2 },
  ]);
  expect(await list(ann, { kind: "check" })).toMatchObject([
    { subjectId: ids.pair, state: "queued", repo: "Lab/pencil", guide: "ann/tiny" },
  ]);
  expect(kinds(await list(ann, { state: "queued" }))).toEqual(["check", "inspect", "preview"]);
  await expect(list(anonymous, { mine: true })).rejects.toMatchObject({ code: "unauthenticated" });

  const seen: string[] = [];
  for (let cursor: string | undefined, turn = 0; turn < 4; turn++) {
    const page = await listJobs(ann, { mine: false, limit: 1, ...(cursor !== undefined && { cursor }) });
    seen.push(...page.items.map(({ subjectId }) => subjectId));
    expect(page.next === null).toBe(turn === 3);
    cursor = page.next ?? undefined;
  }
  expect(seen.toSorted()).toEqual([ids.upload, ids.pair, ids.preview, inspection].toSorted());
});

test("a list says what goes before each one that waits, and what the actor may stop", async () => {
  const of = async (actor: Actor): Promise<Record<string, [number | null, boolean]>> =>
    Object.fromEntries(
      (await list(actor)).map(({ kind, subjectId, ahead, mayChange }) => [
        subjectId === inspection ? "inspect" : kind,
        [ahead, mayChange],
      ]),
    );
  expect(await of(ann)).toEqual({ hash: [null, true], inspect: [0, true], check: [1, true], preview: [0, true] }); // that of a person goes first
  expect(await of(bob)).toEqual({ inspect: [0, false] }); // it is his commit, and he is no member of the Lab any more
  expect(await of(anonymous)).toEqual({ inspect: [0, false] });
  expect((await getJobTimeline(ann, ids.pair)).ahead).toBe(1);
  const reader: Actor = { ...(ann as Person), scopes: new Set(["read"]) };
  expect((await of(reader))["check"]).toEqual([1, false]);
});

test("who asked for a measurement of others' models finds it among their own, and may stop it", async () => {
  await database().repo.update({ where: { id: ids.guide }, data: { visibility: "public" } });
  expect(await list(bob, { kind: "check" })).toMatchObject([{ mayChange: false }]);
  const carol = person("carol");
  expect(await list(carol, { kind: "check" })).toMatchObject([{ mayChange: false }]);
  expect(await list(carol, { mine: true })).toEqual([]);
  await database().$executeRaw`INSERT INTO app_user (id, name, email) VALUES ('carol', 'Carol', 'carol@example.org')`;
  await database().job.updateMany({ where: { subjectId: ids.pair }, data: { userId: "carol" } });
  expect(await list(carol, { mine: true })).toMatchObject([{ subjectId: ids.pair, mayChange: true }]);
  await database().job.updateMany({ where: { subjectId: ids.pair }, data: { userId: null } });
  await database().repo.update({ where: { id: ids.guide }, data: { visibility: "private" } });
});

test("a timeline has what happened, and the place in the queue", async () => {
  await registerWorker({ ...workerRow(1), host: "gpu-1" });
  await expect.poll(async () => (await getJobTimeline(ann, ids.pair)).position?.workers).toBe(2);
  const timeline = await getJobTimeline(ann, ids.pair);
  expect(timeline).toMatchObject({ kind: "check", state: "queued", position: { ahead: 1, running: 0, workers: 2 } });
  expect(timeline.events.map(({ kind }) => kind)).toEqual(["started", "queued"]); // the first is the small hub's own
  expect(await getJobTimeline(bob, inspection)).toMatchObject({
    kind: "inspect",
    repo: "Lab/pencil",
    position: { ahead: 0 },
  });
  const workersAs = async (actor: Actor) =>
    (await listWorkers(actor)).items.map(({ name, host, memory }) => `${name} on ${host}, ${memory}`);
  expect(await workersAs({ kind: "hub" })).toEqual(["worker 1 on here, null", "worker 2 on gpu-1, 8000000000"]); // the first is the small hub's own, too
  expect(await workersAs(ann)).toEqual(["worker 1 on null, null", "worker 2 on null, null"]);
  expect((await getJobTimeline(ann, ids.preview)).progress).toEqual({ step: 3 });
});

test("who asked for a preview or a measurement can stop it; an inspection ends by itself", async () => {
  const stopped = await cancelSubject(ann, ids.preview);
  expect([stopped.state, stopped.position, stopped.events.at(-1)?.kind]).toEqual(["cancelled", null, "cancelled"]);
  const done = { toolVersion: "2", state: "succeeded" as const, facts: {}, finishedAt: new Date() };
  await database().inspection.createMany({
    data: [
      { ...done, commitId: oid("3"), weightsSha256: sha("a") },
      { ...done, commitId: oid("4"), weightsSha256: sha("b") },
    ],
  });
  const { id: subjectId } = await database().inspection.findFirstOrThrow({ where: { commitId: oid("4") } });
  const job = { kind: "inspect", resource: "files", lane: "seconds", priority: 50, state: "succeeded" } as const;
  await database().job.create({ data: { ...job, subjectId } });
  expect((await cancelSubject(ann, ids.pair)).state).toBe("cancelled");
  await expect(cancelSubject(ann, ids.pair)).rejects.toMatchObject({ code: "already_ended" });
  await expect(cancelSubject(ann, inspection)).rejects.toMatchObject({ code: "bad_request" });
});

test("a job of a hidden repo is gone for everybody", async () => {
  await database().repo.update({ where: { id: ids.fine }, data: { deletedAt: new Date() } });
  expect(await list(operator)).toMatchObject([{ kind: "inspect", repo: "ann/tiny" }]);
  await expect(getJobTimeline(theHub, inspection)).rejects.toMatchObject({ code: "not_found" });
});
