import { setTimeout as sleep } from "node:timers/promises";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import type { ClaimedJob, JobHandler } from "#workers/hub/handler.ts";
import { runWorker } from "#workers/hub/worker.ts";

/**
 * A worker as it is, with jobs that do as their rows say, in two tables that only tests have:
 *
 *   stub          id, does, attempt, state, problem, released     what a job is, like any row that has one
 *   stub_effect   id, attempt, pid                                written with the result, under the number of the attempt
 */
const handler: JobHandler = {
  async claim(id) {
    const rows = await database().$queryRaw<
      { attempt: number }[]
    >`UPDATE stub SET attempt = attempt + 1, state = 'running', pid = ${process.pid} WHERE id = ${id}::uuid AND state IN ('queued', 'running') RETURNING attempt`;
    return rows[0]?.attempt ?? null;
  },
  async run({ subjectId: id, attempt, signal }) {
    const [{ does }] = (await database().$queryRaw<
      { does: string }[]
    >`SELECT does FROM stub WHERE id = ${id}::uuid`) as [{ does: string }];
    await behaviours[does]!({ subjectId: id, attempt, signal });
    await database().$executeRaw`
      WITH done AS (UPDATE stub SET state = 'succeeded' WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running' RETURNING id)
      INSERT INTO stub_effect (id, attempt, pid) SELECT id, ${attempt}, ${process.pid} FROM done`;
  },
  async fail(id, attempt, { code, message }) {
    await database()
      .$executeRaw`UPDATE stub SET state = 'failed', problem = ${`${code}: ${message}`} WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running'`;
  },
};

const behaviours: Readonly<
  Record<string, (job: Pick<ClaimedJob, "subjectId" | "attempt" | "signal">) => Promise<void>>
> = {
  end: async () => {},
  hold: ({ subjectId, signal }) => untilReleased(subjectId, signal),
  "hold, deaf": ({ subjectId }) => untilReleased(subjectId, null),
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
  handlers: { hash: handler, inspect: handler, check: handler, preview: handler },
  sweep: async () => {},
  deadlines: { hash: 3600, inspect: 1, check: 3600, preview: 3600 },
});
