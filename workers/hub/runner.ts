import { setTimeout as sleep } from "node:timers/promises";
import type { PgBoss } from "pg-boss";
import { database } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";
import { AppError, failures } from "#lib/errors.ts";
import { toAppError } from "#lib/http/failure.ts";
import { log, withLogContext } from "#lib/log.ts";
import { affectedBy } from "#lib/queue/boss.ts";
import { type JobKind, jobPayload, MAX_LOSSES, priorities, subjectOf } from "#lib/queue/jobs.ts";
import { type HeldJob, returnJob, timesReturned } from "#lib/queue/return-job.ts";
import { addEvent, type TimelineEvent } from "#lib/queue/timeline.ts";
import type { JobHandler } from "./handler.ts";
import type { Models } from "./models.ts";

export type Handlers = Readonly<Record<JobKind, JobHandler>>;

export interface RunnerParts {
  readonly queue: PgBoss;
  readonly handlers: Handlers;
  readonly models: Models;
  /** For the timeline: on which machine a job is done. */
  readonly host: string;
  /** In seconds, by kind. */
  readonly deadlines: Readonly<Record<JobKind, number>>;
}

/** What pg-boss keeps of a job that it may forget. */
export interface Outcome {
  readonly outcome: "succeeded" | "failed" | "returned" | "nothing to do" | "not ours any more";
  readonly code?: string;
}

export interface Runner {
  /** Claims, runs, and writes what came of it. pg-boss keeps the claim alive meanwhile. */
  take(job: HeldJob): Promise<Outcome>;
  /** Ends a job whose workers were lost, one after the other. */
  bury(job: HeldJob): Promise<Outcome>;
  /** Lets what runs finish for `grace` milliseconds and gives the rest back. Nothing is begun meanwhile. */
  stop(grace: number): Promise<void>;
}

/** A temporary failure is tried again so often, for about seven minutes: a store or a database that is away may be back by then. */
const MAX_RETURNS = 12;
const MAX_DELAY_SECONDS = 60;

/** A handler that was told to stop is waited for so long, in milliseconds; what it writes later is refused. */
const PATIENCE = 10_000;

interface Running {
  readonly job: HeldJob;
  attempt: number;
  readonly stop: AbortController;
  readonly ended: Promise<unknown>;
}

export function createRunner({ queue, handlers, models, host, deadlines }: RunnerParts): Runner {
  const running = new Set<Running>();
  let stopping = false;

  async function take(job: HeldJob): Promise<Outcome> {
    const { kind, subjectId } = jobPayload.parse(job.data);
    const end = Promise.withResolvers<void>();
    const held: Running = { job, attempt: 0, stop: new AbortController(), ended: end.promise };
    running.add(held);
    try {
      return await withLogContext({ jobId: job.id, subjectId }, () =>
        stopping ? giveBack(held, 0, "Its worker was stopped.") : attempt(held, handlers[kind]),
      );
    } finally {
      running.delete(held);
      end.resolve();
    }
  }

  async function attempt(held: Running, handler: JobHandler): Promise<Outcome> {
    const { job, stop } = held;
    const { kind, subjectId } = job.data;
    // pg-boss aborts its signal at a heartbeat that finds the claim gone: cancelled, or given to another worker.
    const signal = AbortSignal.any([job.signal, stop.signal]);
    const deadline = setTimeout(() => stop.abort(deadlinePassed(deadlines[kind])), deadlines[kind] * 1000);
    // Who cancels a job says so, and its worker need not wait for its next heartbeat.
    const unwatch = watch(job.id, () => void isHeld(held).then((isOurs) => isOurs || stop.abort()));
    try {
      const claimed = await handler.claim(subjectId);
      if (claimed === null) {
        log().info({ event: "job.nothing", kind }, "there is nothing to do");
        return { outcome: "nothing to do" };
      }
      held.attempt = claimed;
      return await withLogContext({ attempt: claimed }, async () => {
        if (wasLost(job)) await note(held, "retried", "The worker that had it is gone; another took it.");
        await note(held, "started", "A worker has begun.", { host });
        log().info({ event: "job.started", kind });
        const began = performance.now();
        await Promise.race([
          handler.run({ subjectId, attempt: claimed, signal, models: besideOthers(models, job.priority) }),
          rejectLate(signal),
        ]);
        if (!(await isHeld(held))) return left(held);
        const ms = Math.round(performance.now() - began);
        log().info({ event: "job.succeeded", kind, ms });
        await note(held, "succeeded", "Done.", { ms });
        return { outcome: "succeeded" } as const;
      });
    } catch (cause) {
      return await withLogContext({ attempt: held.attempt }, () => insist(() => settle(held, handler, cause)));
    } finally {
      clearTimeout(deadline);
      unwatch();
    }
  }

  async function settle(held: Running, handler: JobHandler, cause: unknown): Promise<Outcome> {
    const { job, stop } = held;
    const late = stop.signal.reason instanceof AppError ? stop.signal.reason : null;
    if (job.signal.aborted || (stop.signal.aborted && !late) || !(await isHeld(held))) return left(held);
    const failure = named(late ?? toAppError(cause), job);
    const mayPass = failures[failure.code].temporary || held.attempt === 0;
    if (mayPass && timesReturned(job) < MAX_RETURNS) return giveBack(held, delayAfter(failure, job), failure.message);
    if (held.attempt === 0) throw cause; // nothing may be written without a claim: pg-boss counts it as a loss
    log()[failure.code === "internal" ? "error" : "warn"](
      { event: "job.failed", kind: job.data.kind, code: failure.code, err: failure.cause ?? cause },
      failure.toOperator,
    );
    await handler.fail(job.data.subjectId, held.attempt, failure);
    await note(held, "failed", failure.message, { code: failure.code });
    return { outcome: "failed", code: failure.code };
  }

  async function giveBack(held: Running, delay: number, reason: string): Promise<Outcome> {
    if (!(await returnJob(held.job, { attempt: held.attempt, delay, reason }))) return left(held);
    log().warn({ event: "job.returned", kind: held.job.data.kind, delay }, reason);
    return { outcome: "returned" };
  }

  /** False once it was cancelled, or given to another worker. A database that does not answer says nothing of that. */
  async function isHeld({ job }: Running): Promise<boolean> {
    const touched = await queue.touch(job.name, job).catch(() => null);
    return touched === null || affectedBy(touched) > 0;
  }

  async function bury(job: HeldJob): Promise<Outcome> {
    const { kind, subjectId } = jobPayload.parse(job.data);
    return withLogContext({ jobId: job.sourceId ?? job.id, subjectId }, async () => {
      const claimed = await handlers[kind].claim(subjectId);
      if (claimed === null) return { outcome: "nothing to do" };
      const failure = new AppError(
        "worker_lost",
        `This was begun ${MAX_LOSSES + 1} times, and each time the worker that did it was lost, most often because memory ran out; try it with a smaller model, or ask the hub's operator.`,
        { losses: MAX_LOSSES + 1 },
      );
      log().error({ event: "job.failed", kind, attempt: claimed, code: failure.code }, failure.toOperator);
      await handlers[kind].fail(subjectId, claimed, failure);
      await addEvent(database(), {
        subject: subjectOf[kind],
        subjectId,
        ...(job.sourceId && { jobId: job.sourceId }),
        attempt: claimed,
        kind: "failed",
        message: failure.message,
        detail: { code: failure.code },
      });
      return { outcome: "failed", code: failure.code };
    });
  }

  async function stop(grace: number): Promise<void> {
    stopping = true;
    const finished = (): Promise<unknown> => Promise.all([...running].map(({ ended }) => ended));
    await Promise.race([finished(), sleep(grace, undefined, { ref: false })]);
    const unfinished = [...running];
    for (const held of unfinished) {
      await giveBack(held, 0, "Its worker was stopped; another takes it.").catch((cause: unknown) =>
        log().warn({ event: "job.lost", jobId: held.job.id, err: cause }),
      );
      held.stop.abort();
    }
    if (unfinished.length > 0) await Promise.race([finished(), sleep(2_000, undefined, { ref: false })]);
  }

  return { take, bury, stop };
}

/**
 * Measurements of a batch leave the processor to those that somebody uploaded for, and these to a picture that somebody waits for.
 * Beside the measuring of the starter collection both guides of a fresh fine-tune are judged in 60 s so, and in 78 s with all at 10.
 */
function besideOthers(models: Models, priority: number): Models {
  const niceness = priority >= priorities.person ? 2 : priority >= priorities.upload ? 5 : 19;
  return { ...models, run: (job, options) => models.run(job, { niceness, ...options }) };
}

/** What came of it is another's to write. */
function left({ job }: Running): Outcome {
  log().info({ event: "job.left", kind: job.data.kind }, "cancelled, or another worker has it");
  return { outcome: "not ours any more" };
}

const INSIST_SECONDS = 60;

/** Waits for a database that is away: what came of a job is to be written once it is back, for else it would be done again. */
async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (let left = INSIST_SECONDS; ; left--) {
    try {
      return await work();
    } catch (cause) {
      if (left === 0 || toAppError(cause).code !== "database_unavailable") throw cause;
      await sleep(1000);
    }
  }
}

/** A line of the timeline. What it tells of has happened, so it does not fail for want of it. */
async function note(
  { job, attempt }: Running,
  kind: TimelineEvent["kind"],
  message: string,
  detail: NonNullable<TimelineEvent["detail"]> = {},
): Promise<void> {
  const event = {
    subject: subjectOf[job.data.kind],
    subjectId: job.data.subjectId,
    jobId: job.id,
    attempt,
    kind,
    message,
    detail,
  };
  await addEvent(database(), event).catch((cause: unknown) => log().warn({ event: "timeline.error", err: cause }));
}

/** pg-boss leaves a word when it takes a job from a worker that did not say that it is alive. */
const wasLost = ({ retryCount, output }: HeldJob): boolean =>
  retryCount > 0 && /heartbeat timeout|timed out/.test(JSON.stringify(output) ?? "");

const deadlinePassed = (seconds: number): AppError =>
  new AppError(
    "deadline_passed",
    `The work took longer than the ${seconds} seconds that it may take; ask for less at once, or for a smaller model.`,
    { seconds },
  );

/** What nobody foresaw is told by the id under which the log has the rest. */
const named = (failure: AppError, job: HeldJob): AppError =>
  failure.code === "internal"
    ? new AppError(
        "internal",
        `Something went wrong on our side; try again, and tell the hub's operator the job's id ${job.id} if it stays.`,
        {},
        failure.cause ?? failure,
      )
    : failure;

function delayAfter({ detail }: AppError, job: HeldJob): number {
  const asked = detail["retryAfter"];
  return Math.ceil(
    Math.min(
      MAX_DELAY_SECONDS,
      typeof asked === "number" ? asked : 2 ** timesReturned(job) * (0.5 + Math.random() / 2),
    ),
  );
}

/** Rejects some time after the signal, for handlers that do not hear it. */
function rejectLate(signal: AbortSignal): Promise<never> {
  return new Promise((_resolve, reject) => {
    const begin = (): void => void setTimeout(() => reject(signal.reason as Error), PATIENCE).unref();
    if (signal.aborted) begin();
    else signal.addEventListener("abort", begin, { once: true });
  });
}
