import { spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { askQueue, closeQueue, queue } from "#lib/queue/boss.ts";
import { cancelJob } from "#lib/queue/cancel.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { type JobKind, type Priority, priorities } from "#lib/queue/jobs.ts";
import { estimate, queuePosition } from "#lib/queue/position.ts";
import { timelineOf } from "#lib/queue/timeline.ts";
import { registerWorker, workerStopped } from "#lib/queue/workers.ts";
import { useTempHub } from "../../support/temp-hub.ts";

const hub = await useTempHub();
afterAll(() => hub.close());
beforeEach(async () => void (await (await queue()).deleteAllJobs()));

const put = (kind: JobKind, priority: Priority, userId?: string): Promise<string> =>
  inTransaction(database(), (transaction) => enqueue(transaction, kind, randomUUID(), priority, userId));
const failureOf = (work: Promise<unknown>): Promise<AppError> =>
  work.then(
    () => expect.unreachable("it should have been refused"),
    (failure: AppError) => failure,
  );
const waiting = async (): Promise<number> =>
  (await askQueue<{ n: number }>("SELECT count(*)::int AS n FROM pgboss.job WHERE state < 'active'", []))[0]!.n;

/** Jobs that wait, put straight into pg-boss's table. */
async function fill(count: number, priority: Priority, kind: JobKind = "check", userId?: string): Promise<void> {
  const group = userId === undefined ? {} : { group: { id: userId } };
  await (
    await queue()
  ).insert(
    kind === "hash" ? "files" : "compute",
    Array.from({ length: count }, () => ({
      data: { kind, subjectId: randomUUID() },
      priority: priorities[priority],
      ...group,
    })),
  );
}

/** Jobs that were done and took so many seconds. */
async function wereDone(kind: JobKind, ...seconds: number[]): Promise<void> {
  for (const each of seconds) {
    await askQueue(
      `INSERT INTO pgboss.job (name, data, state, priority, output, created_on, started_on, completed_on, retry_limit, expire_seconds, deletion_seconds)
       VALUES ('compute', $1, 'completed', 0, '{"outcome": "succeeded"}', now(), now() - $2 * interval '1 second', now(), 1, 60, 60)`,
      [JSON.stringify({ kind, subjectId: randomUUID() }), each],
    );
  }
}

describe("a job", () => {
  test("exists if and only if its transaction was committed, and so does the first event of its timeline", async () => {
    const subjectId = randomUUID();
    const rolledBack = inTransaction(database(), async (transaction) => {
      await enqueue(transaction, "preview", subjectId, "person");
      throw new Error("changed my mind");
    });
    await expect(rolledBack).rejects.toThrow("changed my mind");
    expect([await waiting(), await timelineOf(subjectId)]).toEqual([0, []]);

    const jobId = await inTransaction(database(), (transaction) =>
      enqueue(transaction, "preview", subjectId, "person"),
    );
    expect(await waiting()).toBe(1);
    expect(await timelineOf(subjectId)).toMatchObject([{ kind: "queued", jobId, attempt: 0 }]);
  });

  test("that waits can be cancelled, once", async () => {
    const subjectId = randomUUID();
    const jobId = await inTransaction(database(), (transaction) => enqueue(transaction, "check", subjectId, "batch"));
    expect([await cancelJob("check", jobId), await cancelJob("check", jobId), await waiting()]).toEqual([
      true,
      false,
      0,
    ]);
    expect((await timelineOf(subjectId)).map(({ kind }) => kind)).toEqual(["queued", "cancelled"]);
  });

  test("is refused beside a thousand others of a batch, and a person's is not", async () => {
    await fill(1000, "batch");
    expect(await failureOf(put("check", "batch"))).toMatchObject({ code: "queue_full", detail: { waiting: 1000 } });
    await expect(put("check", "person")).resolves.toMatch(/^[0-9a-f-]{36}$/);
    expect(await waiting()).toBe(1001); // the refused one left nothing
  });

  test("of a person is refused beside eight of their own, with how long those take", async () => {
    await wereDone("preview", 30, 60, 4000);
    for (let i = 0; i < 8; i++) await put("preview", "person", "ann");
    const failure = await failureOf(put("preview", "person", "ann"));
    expect(failure).toMatchObject({ code: "queue_full", detail: { waiting: 8, seconds: 480, retryAfter: 60 } });
    expect(failure.message).toBe(
      "You have 8 jobs waiting already, about 8 minutes of work; let one of them finish or cancel it, then try again.",
    );
    await expect(put("preview", "person", "bob")).resolves.toBeDefined();
  });

  test("many at once, none lost", async () => {
    await Promise.all(Array.from({ length: 40 }, () => put("hash", "upload")));
    expect(await waiting()).toBe(40);
  });
});

describe("the place in the queue", () => {
  test("counts what goes before: higher priorities, then the older", async () => {
    await fill(2, "batch");
    const batch = await put("check", "batch");
    await fill(1, "batch");
    const person = await put("preview", "person");
    await put("hash", "person"); // in the other queue
    expect(await queuePosition("check", batch)).toEqual({ ahead: 3, running: 0, workers: 0, seconds: null });
    expect(await queuePosition("preview", person)).toEqual({ ahead: 0, running: 0, workers: 0, seconds: null });
    expect(await queuePosition("preview", randomUUID())).toBeNull();
  });

  test("says how long it takes, from what earlier ones took and who works", async () => {
    const worker = { id: randomUUID(), host: "here", pid: 1, version: "1", runtime: "cpu-f32" };
    await registerWorker(worker);
    await fill(3, "batch");
    const jobId = await put("check", "batch");
    expect(await queuePosition("check", jobId)).toMatchObject({ ahead: 3, workers: 1, seconds: null });
    await wereDone("check", 100, 200, 90);
    expect(await estimate("check")).toBe(100);
    expect(await queuePosition("check", jobId)).toMatchObject({ ahead: 3, workers: 1, seconds: 300 });
    await workerStopped(worker.id);
    expect(await queuePosition("check", jobId)).toMatchObject({ workers: 0, seconds: null });
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
  expect([codes, await waiting()]).toEqual([[0, 0, 0, 0, 0, 0, 0, 0], 8]);
});
