import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { askQueue, closeQueue, queue } from "#lib/queue/boss.ts";
import { cancelJob } from "#lib/queue/attempt.ts";
import { enqueue, type NewJob } from "#lib/queue/enqueue.ts";
import { type JobKind, type Priority, priorities, resourceOf, usualLane } from "#lib/queue/jobs.ts";
import { queuePosition } from "#lib/queue/position.ts";
import { secondsFor } from "#lib/queue/rates.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import { registerWorker, workerStopped } from "#lib/queue/workers.ts";
import { useTempHub } from "../../support/temp-hub.ts";
import { workerRow } from "../../support/worker-row.ts";

const hub = await useTempHub();
afterAll(() => hub.close());
beforeEach(async () => {
  await database().job.deleteMany();
  await database().jobTurn.deleteMany();
  await (await queue()).deleteAllJobs();
  await new Promise((done) => setTimeout(done, 300)); // what was seen is not looked at again before
});

const ann = "ann";
const bob = "bob";
beforeAll(async () => {
  for (const id of [ann, bob])
    await database().$executeRaw`INSERT INTO app_user (id, name, email) VALUES (${id}, ${id}, ${`${id}@example.org`})`;
});

async function put(kind: JobKind, priority: Priority, userId?: string, more: Partial<NewJob> = {}): Promise<string> {
  const subjectId = randomUUID();
  await inLockedTransaction(database(), (transaction) =>
    enqueue(transaction, { ...more, kind, subjectId, priority, userId }),
  );
  return subjectId;
}
const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );
const waiting = (): Promise<number> => database().job.count({ where: { state: "queued" } });
const inQueue = async (): Promise<number> =>
  (await askQueue<{ n: number }>("SELECT count(*)::int AS n FROM pgboss.job WHERE state < 'active'", []))[0]!.n;

/** Jobs that wait, put straight into the table. */
async function fill(
  count: number,
  priority: Priority,
  kind: JobKind = "check",
  userId: string | null = null,
): Promise<void> {
  await database().$executeRaw`
    INSERT INTO job (id, kind, subject_id, resource, lane, priority, user_id)
    SELECT gen_random_uuid(), ${kind}::job_kind, gen_random_uuid(), ${resourceOf[kind]}::job_resource, ${usualLane[kind]}::job_lane, ${priorities[priority]}, ${userId}
    FROM generate_series(1, ${count}::int)`;
}

/** Jobs that were done and took so many seconds. */
async function wereDone(kind: JobKind, ...seconds: number[]): Promise<void> {
  for (const ran of seconds)
    await database().job.create({
      data: {
        kind,
        subjectId: randomUUID(),
        resource: resourceOf[kind],
        lane: usualLane[kind],
        priority: 0,
        state: "succeeded",
        rate: ran, // of one unit of work
        ratedAt: new Date(),
        finishedAt: new Date(),
      },
    });
}

describe("a job", () => {
  test("exists if and only if its transaction was committed, and so does the first event of its timeline", async () => {
    const subjectId = randomUUID();
    const job = { kind: "preview", subjectId, priority: "person" } as const;
    const rolledBack = inLockedTransaction(database(), async (transaction) => {
      await enqueue(transaction, job);
      throw new Error("changed my mind");
    });
    await expect(rolledBack).rejects.toThrow("changed my mind");
    expect([await waiting(), await inQueue(), await timelineOf(subjectId)]).toEqual([0, 0, []]);

    await inLockedTransaction(database(), (transaction) => enqueue(transaction, job));
    expect([await waiting(), await inQueue()]).toEqual([1, 1]);
    expect(await timelineOf(subjectId)).toMatchObject([{ kind: "queued", attempt: 0 }]);
  });

  test("that waits can be cancelled, once, and asked for again", async () => {
    const subjectId = await put("check", "batch");
    const cancel = (): Promise<boolean> => cancelJob(database(), "check", subjectId);
    expect([await cancel(), await cancel(), await waiting(), await inQueue()]).toEqual([true, false, 0, 0]);
    expect((await timelineOf(subjectId)).map(({ kind }) => kind)).toEqual(["queued", "cancelled"]);
    const again = { kind: "check", subjectId, priority: "person", userId: ann } as const;
    await inLockedTransaction(database(), (transaction) => enqueue(transaction, again));
    expect([await waiting(), await inQueue(), await database().job.count()]).toEqual([1, 1, 1]);
  });

  test("that waits as a batch is a person's when they ask for it, and one of their eight", async () => {
    const batch = [];
    for (let i = 0; i < 9; i++) batch.push(await put("check", "batch", bob));
    const raise = (subjectId: string): Promise<void> =>
      inLockedTransaction(database(), (transaction) =>
        enqueue(transaction, { kind: "check", subjectId, priority: "person", userId: ann }),
      );
    for (const id of batch.slice(0, 8)) await raise(id);
    expect(await failureOf(raise(batch[8]!))).toMatchObject({ code: "queue_full", detail: { waiting: 8 } });
    expect(await failureOf(put("preview", "person", ann))).toMatchObject({ code: "queue_full" });
    await raise(batch[0]!); // is theirs already
    expect(await database().job.count({ where: { priority: priorities.person, userId: ann } })).toBe(8);
    expect(await inQueue()).toBe(9);
  });

  test("is refused beside a thousand others of a person's batch, and another's is not", async () => {
    await fill(1000, "batch", "check", ann);
    expect(await failureOf(put("check", "batch", ann))).toMatchObject({
      code: "queue_full",
      detail: { waiting: 1000 },
    });
    await put("check", "batch", bob);
    await put("check", "person", ann);
    expect(await waiting()).toBe(1002); // the refused one left nothing
  });

  test("that reads files is never refused: its bytes have come already", async () => {
    await fill(20_000, "upload", "inspect", ann);
    await put("inspect", "upload", ann);
    await put("hash", "upload", bob);
    expect(await waiting()).toBe(20_002);
  });

  test("of a person is refused beside eight of their own, with how long those take", async () => {
    await wereDone("preview", 30, 60, 4000);
    for (let i = 0; i < 8; i++) await put("preview", "person", ann);
    const failure = await failureOf(put("preview", "person", ann));
    expect(failure).toMatchObject({ code: "queue_full", detail: { waiting: 8, seconds: 480, retryAfter: 60 } });
    expect(failure.message).toBe(
      "You have 8 jobs waiting already, about 8 minutes of work; let one of them finish or cancel it, then try again.",
    );
    await put("preview", "person", bob);
  });

  test("many at once, none lost", async () => {
    await Promise.all(Array.from({ length: 40 }, () => put("hash", "upload")));
    expect([await waiting(), await inQueue()]).toEqual([40, 40]);
  });
});

describe("the place in the queue", () => {
  test("counts what goes before: what somebody waits for, then by turns", async () => {
    await fill(2, "batch");
    const batch = await put("check", "batch");
    await fill(1, "batch");
    const person = await put("preview", "person", ann);
    await put("hash", "upload"); // needs no network
    expect(await queuePosition("check", batch)).toEqual({
      ahead: 3,
      running: 0,
      workers: 0,
      seconds: null,
      problem: null,
    });
    expect(await queuePosition("preview", person)).toEqual({
      ahead: 0,
      running: 0,
      workers: 0,
      seconds: null,
      problem: null,
    });
    expect(await queuePosition("preview", randomUUID())).toBeNull();
  });

  test("of who asks for little is before that of who asks for much", async () => {
    await wereDone("preview", 10);
    await fill(8, "person", "preview", ann);
    const one = await put("preview", "person", bob);
    const two = await put("preview", "person", bob);
    expect(await queuePosition("preview", one)).toMatchObject({ ahead: 0 });
    expect(await queuePosition("preview", two)).toMatchObject({ ahead: 1 });
  });

  test("says how long it takes, from what earlier ones took and who works", async () => {
    const worker = workerRow(1);
    await registerWorker(worker);
    await fill(3, "batch");
    const job = await put("check", "batch");
    expect(await queuePosition("check", job)).toMatchObject({ ahead: 3, workers: 1, seconds: null });
    await wereDone("check", 100, 200, 90);
    expect(await secondsFor("check")).toBe(100);
    await expect.poll(() => queuePosition("check", job)).toMatchObject({ ahead: 3, workers: 1, seconds: 300 });
    await workerStopped(worker.id);
    await expect.poll(() => queuePosition("check", job)).toMatchObject({ workers: 0, seconds: null });
  });
});

test("eight processes that open the queue of an empty database at once all send", async () => {
  await closeQueue();
  await database().$executeRaw`DROP SCHEMA pgboss CASCADE`;
  const sender = fileURLToPath(new URL("../../workers/sender.ts", import.meta.url));
  const codes = await Promise.all(
    Array.from(
      { length: 8 },
      async () =>
        (
          await once(
            spawn(process.execPath, [sender], {
              env: { ...process.env, ...hub.variables },
              stdio: ["ignore", "ignore", "inherit"],
            }),
            "close",
          )
        )[0] as number,
    ),
  );
  expect([codes, await inQueue()]).toEqual([[0, 0, 0, 0, 0, 0, 0, 0], 8]);
});
