import { setTimeout as sleep } from "node:timers/promises";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { succeedAttempt } from "#lib/queue/attempt.ts";
import type { ClaimedJob, JobHandler } from "#workers/hub/handler.ts";
import { runWorker } from "#workers/hub/worker.ts";

/**
 * A worker as it is, with jobs that do as their rows say, in two tables that only tests have:
 *
 *   stub          id, does, released, pid, paused   what a job is, like any row that has one; who took it last, and how often it made room
 *                 count, resumed_at                 how far it has counted, and where its last attempt went on
 *   stub_effect   id, attempt, pid                  written with the end of the job, under the number of the attempt
 */
const handler: JobHandler = async (job) => {
  const { kind, subjectId: id, attempt } = job;
  const [stub] = await database().$queryRaw<
    { does: string }[]
  >`UPDATE stub SET pid = ${process.pid} WHERE id = ${id}::uuid RETURNING does`;
  job.pause.onChange(() => {
    if (job.pause.isOn)
      void database().$executeRaw`UPDATE stub SET paused = paused + 1 WHERE id = ${id}::uuid`.catch(() => {});
  });
  await behaviours[stub!.does]!(job);
  await inLockedTransaction(database(), async (transaction) => {
    if (await succeedAttempt(transaction, { kind, subjectId: id, attempt }))
      await transaction.$executeRaw`INSERT INTO stub_effect (id, attempt, pid) VALUES (${id}::uuid, ${attempt}, ${process.pid})`;
  });
};

const behaviours: Readonly<Record<string, (job: ClaimedJob) => Promise<void>>> = {
  end: async () => {},
  hold: ({ subjectId, signal }) => untilReleased(subjectId, signal),
  "hold, deaf": ({ subjectId }) => untilReleased(subjectId, null),
  "work 1 s": (job) => workFor(1, job),
  "need 3 GB": async ({ subjectId: id }) => {
    const [job] = await database().$queryRaw<
      { bytes: bigint }[]
    >`SELECT needs_bytes AS bytes FROM job WHERE subject_id = ${id}::uuid`;
    if (Number(job!.bytes) < 3e9)
      throw new AppError("too_little_memory", "It needs 3 GB.", {
        peak: 3e9,
        largest: "2.5 GB of it for the VAE's decoder",
      });
  },
  "count to 200": countOn,
  "kill its worker": async () => void process.kill(process.pid, "SIGKILL"),
  "end when the database is away": untilAway,
  fail: async () => {
    throw new AppError("unsupported_model", "It is a toaster; give a model.");
  },
  stumble: async () => {
    throw new TypeError("secret is not a function");
  },
  "fail for ever": async () => {
    throw new AppError("storage_unavailable", "The store does not answer.", { retryAfter: 0 });
  },
  "fail twice for a while": async ({ attempt }) => {
    if (attempt <= 2) throw new AppError("storage_unavailable", "The store does not answer.", { retryAfter: 0 });
  },
};

async function untilReleased(id: string, signal: AbortSignal | null): Promise<void> {
  for (;;) {
    if (signal?.aborted) throw new AppError("cancelled", "The work was cancelled; nothing was written.");
    const rows = await database().$queryRaw<
      { released: boolean }[]
    >`SELECT released FROM stub WHERE id = ${id}::uuid`.catch(() => []); // the database may be away
    if (rows[0]?.released) return;
    await sleep(50);
  }
}

/** In steps, resting while it makes room. */
async function workFor(seconds: number, { pause, signal }: ClaimedJob): Promise<void> {
  for (let left = seconds * 1000; left > 0;) {
    if (signal.aborted) throw new AppError("cancelled", "The work was cancelled; nothing was written.");
    const began = performance.now();
    await sleep(20);
    if (!pause.isOn) left -= performance.now() - began;
  }
}

/** Ten times a second, with a checkpoint at every ten. */
async function countOn({ subjectId: id, signal, checkpoint }: ClaimedJob): Promise<void> {
  const from = Number((await checkpoint.read())?.toString() ?? "0");
  await database().$executeRaw`UPDATE stub SET resumed_at = ${from} WHERE id = ${id}::uuid`;
  for (let count = from + 1; count <= 200; count++) {
    if (signal.aborted) throw new AppError("cancelled", "The work was cancelled; nothing was written.");
    await sleep(100);
    if (count % 10 === 0) await checkpoint.write(Buffer.from(String(count)));
    await database().$executeRaw`UPDATE stub SET count = ${count} WHERE id = ${id}::uuid`;
  }
}

async function untilAway({ attempt }: { attempt: number }): Promise<void> {
  if (attempt > 1) return;
  while (
    await database().$queryRaw`SELECT 1`.then(
      () => true,
      () => false,
    )
  )
    await sleep(20);
}

await runWorker({
  handlers: {
    hash: handler,
    inspect: handler,
    check: handler,
    preview: handler,
    curve: handler,
    envelope: handler,
    distill: handler,
  },
  sweep: async () => {},
  deadlines: { hash: 3600, inspect: 1, check: 3600, preview: 3600, curve: 3600, envelope: 3600, distill: 3600 },
});
