import { setTimeout as sleep } from "node:timers/promises";
import { database } from "#lib/db/client.ts";
import type { AppError } from "#lib/errors.ts";
import { failAttempt } from "#lib/queue/attempt.ts";
import type { JobKind } from "#lib/queue/jobs.ts";
import { Pause } from "#lib/util/pause.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import type { Models } from "#workers/hub/models.ts";

/** As a worker takes the job of a subject, or takes it from one that was lost. @returns the number of the attempt; null where it does not wait */
export async function claimJob(kind: JobKind, subjectId: string): Promise<number | null> {
  const [row] = await database().job.updateManyAndReturn({
    where: { kind, subjectId, state: { in: ["queued", "running"] } },
    data: { state: "running", attempt: { increment: 1 }, startedAt: new Date() },
    select: { id: true, attempt: true },
  });
  if (row) await database().jobProgress.deleteMany({ where: { jobId: row.id } });
  return row?.attempt ?? null;
}

/** As a runner writes why it failed. @returns whether that attempt still counted */
export const failJob = (
  kind: JobKind,
  subjectId: string,
  attempt: number,
  { message }: Pick<AppError, "message">,
): Promise<boolean> => failAttempt({ kind, subjectId, attempt }, message);

/** Reading bytes needs no network. */
export const noModels: Models = {
  run: () => Promise.reject(new Error("nothing to run")),
  loaded: () => [],
  close: () => {},
};

/** As a runner hands a claimed job to its handler. */
export const runJob = (
  handler: JobHandler,
  kind: JobKind,
  subjectId: string,
  attempt: number,
  {
    models = noModels,
    signal = new AbortController().signal,
  }: { readonly models?: Models; readonly signal?: AbortSignal } = {},
): ReturnType<JobHandler> =>
  handler({
    kind,
    subjectId,
    attempt,
    models,
    signal,
    pause: new Pause(),
    checkpoint: { read: () => Promise.resolve(null), write: () => Promise.resolve() },
  });

/** Nothing waits or runs any more, as if it had never been asked for. What was seen of the queue a moment ago is looked at anew. */
export async function forgetJobs(resource: "files" | "compute"): Promise<void> {
  await database().job.deleteMany({ where: { resource } });
  await database().jobTurn.deleteMany();
  await sleep(300);
}

/** What was measured waits once more. */
export async function queueChecksAgain(subjectId?: string): Promise<void> {
  await database().job.updateMany({
    where: { kind: "check", state: { not: "queued" }, ...(subjectId !== undefined && { subjectId }) },
    data: { state: "queued" },
  });
}
