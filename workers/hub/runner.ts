import { setTimeout as sleep } from "node:timers/promises";
import { checkpointOf } from "#lib/catalog/jobs/checkpoint.ts";
import { database } from "#lib/db/client.ts";
import { watch } from "#lib/db/listen.ts";
import { AppError, failures } from "#lib/errors.ts";
import { toAppError } from "#lib/http/failure.ts";
import { log, withLogContext } from "#lib/log.ts";
import { dropAttempt, failAttempt, keepClaim, recordRun, returnJob, succeedAttempt } from "#lib/queue/attempt.ts";
import type { Claim } from "#lib/queue/claim.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { type JobKind, LONGEST_LEASE_SECONDS, priorities, subjectOf } from "#lib/queue/jobs.ts";
import type { Need } from "#lib/queue/room.ts";
import { addEvent, type TimelineEvent } from "#lib/queue/timeline.ts";
import { Pause } from "#lib/util/pause.ts";
import { Stopwatch } from "#lib/util/stopwatch.ts";
import type { JobHandler } from "./handler.ts";
import type { Models } from "./models.ts";

export type Handlers = Readonly<Record<JobKind, JobHandler>>;

export interface RunnerParts {
  readonly handlers: Handlers;
  readonly models: Models;
  /** For the timeline: on which machine a job is done. */
  readonly host: string;
  /** In seconds, by kind. */
  readonly deadlines: Readonly<Record<JobKind, number>>;
}

export type Outcome = "succeeded" | "failed" | "returned" | "goes on" | "nothing to do" | "not ours any more";

/** A job that runs in this process. */
export interface Running {
  readonly claim: Claim;
  /** On while it makes room for another. */
  readonly pause: Pause;
  /** Of its work, without the time in which it made room. */
  readonly worked: Stopwatch;
  readonly ended: Promise<Outcome>;
  /** Gives the job back, with all that its networks hold: it is done again, or goes on from its checkpoint. */
  makeWay(reason: string): Promise<void>;
}

export interface Runner {
  /** Runs what was claimed, and writes what came of it. */
  begin(claim: Claim, memory: number | null): Running;
  /** Says that all that runs is still alive, and stops what is not ours any more or has had its time. */
  keep(): Promise<void>;
  /** Lets what runs finish for `grace` milliseconds and gives the rest back. */
  stop(grace: number): Promise<void>;
}

/** A temporary failure is tried again so often, for about seven minutes: a store or a database that is away may be back by then. */
const MAX_RETURNS = 12;
const MAX_DELAY_SECONDS = 60;

/** A handler that was told to stop is waited for so long, in milliseconds; what it writes later is refused. */
const PATIENCE = 10_000;

interface Held extends Running {
  /** What its networks may take, in bytes; null where nothing limits it. */
  readonly memory: number | null;
  readonly stop: AbortController;
}

export function createRunner({ handlers, models, host, deadlines }: RunnerParts): Runner {
  const running = new Set<Held>();

  function begin(claim: Claim, memory: number | null): Running {
    const end = Promise.withResolvers<Outcome>();
    const held: Held = {
      claim,
      memory,
      pause: new Pause(),
      worked: new Stopwatch(),
      stop: new AbortController(),
      ended: end.promise,
      makeWay: (message) => returnHeld(held, message),
    };
    held.pause.onChange(() => (held.pause.isOn ? held.worked.stop() : held.worked.start()));
    running.add(held);
    const context = { jobId: claim.queueId, subjectId: claim.subjectId, attempt: claim.attempt };
    withLogContext(context, () => attempt(held))
      .catch((cause: unknown): Outcome => {
        // Nothing could be written: pg-boss will find that nobody says any more that it is alive.
        log().error({ event: "job.lost", kind: claim.kind, err: cause }, (cause as Error).message);
        return "not ours any more";
      })
      .then((outcome) => {
        running.delete(held);
        end.resolve(outcome);
      });
    return held;
  }

  async function attempt(held: Held): Promise<Outcome> {
    const { claim, stop, pause, worked } = held;
    const { kind, subjectId } = claim;
    // Who cancels a job says so, and its worker need not wait for its next heartbeat.
    const unwatch = watch(claim.id, () => void keep(held));
    try {
      await note(held, "started", "A worker has begun.", { host });
      log().info({ event: "job.started", kind });
      const handled = await Promise.race([
        handlers[kind]({
          kind,
          subjectId,
          attempt: claim.attempt,
          signal: stop.signal,
          pause,
          checkpoint: checkpointOf(claim),
          models: besideOthers(models, held),
        }),
        rejectLate(stop.signal),
      ]);
      if (handled === false) return await nothing(held);
      if (handled === "goes on") return await goesOn(held);
      // Where the handler has not ended the attempt with its result, it had none to write.
      const isEnded = await insist(() =>
        inLockedTransaction(database(), (transaction) => succeedAttempt(transaction, claim)),
      );
      if (!isEnded && !(await hasSucceeded(claim))) return left(held);
      await insist(() => recordRun(claim, worked.seconds, true));
      const ms = Math.round(worked.seconds * 1000);
      log().info({ event: "job.succeeded", kind, ms });
      await note(held, "succeeded", "Done.", { ms });
      return "succeeded";
    } catch (cause) {
      return await insist(() => settle(held, cause));
    } finally {
      unwatch();
    }
  }

  async function nothing(held: Held): Promise<Outcome> {
    log().info({ event: "job.nothing", kind: held.claim.kind }, "there is nothing to do");
    await insist(() => dropAttempt(held.claim));
    await insist(() => recordRun(held.claim, held.worked.seconds, false));
    return "nothing to do";
  }

  /** A part is done, and the next one waits: what it took is counted as its person's turn. */
  async function goesOn({ claim, worked }: Held): Promise<Outcome> {
    log().info({ event: "job.goes_on", kind: claim.kind }, "a part is done, the next one waits for its turn");
    await insist(() => recordRun(claim, worked.seconds, true));
    return "goes on";
  }

  async function settle(held: Held, cause: unknown): Promise<Outcome> {
    const { claim, stop, worked } = held;
    const late = stop.signal.reason instanceof AppError ? stop.signal.reason : null;
    if ((stop.signal.aborted && !late) || (await keepClaim(claim)) === false) return left(held);
    const failure = named(late ?? toAppError(cause), claim);
    if (failures[failure.code].temporary && claim.returns < MAX_RETURNS)
      return giveBack(held, delayAfter(failure, claim), failure);
    const need = needOf(failure, claim);
    if (need) return giveBack(held, 0, failure, need);
    log()[failure.code === "internal" ? "error" : "warn"](
      { event: "job.failed", kind: claim.kind, code: failure.code, err: failure.cause ?? cause },
      failure.toOperator,
    );
    if (!(await failAttempt(claim, failure.message))) return left(held);
    await recordRun(claim, worked.seconds, false);
    await note(held, "failed", failure.message, { code: failure.code });
    return "failed";
  }

  async function giveBack(
    held: Held,
    delay: number,
    { message }: Pick<AppError, "message">,
    need: Need | null = null,
  ): Promise<Outcome> {
    if (!(await returnJob(held.claim, { delay, reason: message, need }))) return left(held);
    await recordRun(held.claim, held.worked.seconds, false).catch(() => {});
    log().warn({ event: "job.returned", kind: held.claim.kind, delay }, message);
    return "returned";
  }

  async function returnHeld(held: Held, message: string): Promise<void> {
    await giveBack(held, 0, { message }).catch((cause: unknown) =>
      log().warn({ event: "job.lost", jobId: held.claim.queueId, err: cause }),
    );
    held.stop.abort();
  }

  async function keep({ claim, stop, worked }: Held): Promise<void> {
    if ((await keepClaim(claim)) === false) return stop.abort();
    if (claim.lane === "hours") {
      if (worked.seconds > LONGEST_LEASE_SECONDS) stop.abort(leaseOver());
      return;
    }
    const deadline = deadlines[claim.kind];
    if (worked.seconds > deadline) stop.abort(deadlinePassed(deadline));
  }

  async function stop(grace: number): Promise<void> {
    const finished = (): Promise<unknown> => Promise.all([...running].map(({ ended }) => ended));
    await Promise.race([finished(), sleep(grace, undefined, { ref: false })]);
    const unfinished = [...running];
    for (const held of unfinished) await returnHeld(held, "Its worker was stopped; another takes it.");
    if (unfinished.length > 0) await Promise.race([finished(), sleep(2_000, undefined, { ref: false })]);
  }

  return {
    begin,
    keep: async () => void (await Promise.all([...running].map(keep))),
    stop,
  };
}

/**
 * Measurements of a batch leave the processor to those that somebody uploaded for, and these to a picture that somebody waits for.
 * Beside the measuring of the starter collection both guides of a fresh fine-tune are judged in 60 s so, and in 78 s with all at 10.
 */
function besideOthers(models: Models, { claim, pause, memory }: Held): Models {
  const { priority, modelKey } = claim;
  const niceness = priority >= priorities.person ? 2 : priority >= priorities.upload ? 5 : 19;
  return { ...models, run: (job, options) => models.run(job, { niceness, pause, modelKey, memory, ...options }) };
}

/** What came of it is another's to write. */
function left({ claim }: Held): Outcome {
  log().info({ event: "job.left", kind: claim.kind }, "cancelled, or another worker has it");
  return "not ours any more";
}

async function hasSucceeded({ id, attempt }: Claim): Promise<boolean> {
  const rows = await database().$queryRaw<{ one: number }[]>`
    SELECT 1 AS one FROM job WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'succeeded'`;
  return rows.length > 0;
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
  { claim: { kind, subjectId, queueId, attempt } }: Held,
  what: TimelineEvent["kind"],
  message: string,
  detail: NonNullable<TimelineEvent["detail"]> = {},
): Promise<void> {
  const event = { subject: subjectOf[kind], subjectId, jobId: queueId, attempt, kind: what, message, detail };
  await addEvent(database(), event).catch((cause: unknown) => log().warn({ event: "timeline.error", err: cause }));
}

const deadlinePassed = (seconds: number): AppError =>
  new AppError(
    "deadline_passed",
    `The work took longer than the ${seconds} seconds that it may take; ask for less at once, or for a smaller model.`,
    { seconds },
  );

const leaseOver = (): AppError =>
  new AppError(
    "deadline_passed",
    "It worked for a whole day, the longest that a worker may hold a job; run it again, and it goes on from its last checkpoint.",
    { seconds: LONGEST_LEASE_SECONDS },
  );

/** What nobody foresaw is told by the id under which the log has the rest. */
const named = (failure: AppError, { queueId }: Claim): AppError =>
  failure.code === "internal"
    ? new AppError(
        "internal",
        `Something went wrong on our side; try again, and tell the hub's operator the job's id ${queueId} if it stays.`,
        {},
        failure.cause ?? failure,
      )
    : failure;

/** It turned out to need more than it was given: it waits for a worker that has so much, or ends where none has. Null for every other failure. */
function needOf({ code, detail }: AppError, { needsBytes }: Claim): Need | null {
  const { peak, largest } = detail;
  if (code !== "too_little_memory" || typeof peak !== "number" || (needsBytes !== null && peak <= needsBytes))
    return null;
  return { bytes: Math.ceil(peak), what: typeof largest === "string" ? largest : "all in all" };
}

function delayAfter({ detail }: AppError, { returns }: Claim): number {
  const asked = detail["retryAfter"];
  return Math.ceil(
    Math.min(MAX_DELAY_SECONDS, typeof asked === "number" ? asked : 2 ** returns * (0.5 + Math.random() / 2)),
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
