import type { Attempt } from "#lib/queue/attempt.ts";
import type { Checkpoint } from "#lib/catalog/jobs/checkpoint.ts";
import type { Pause } from "#lib/util/pause.ts";
import type { Models } from "./models.ts";

/** A job as a handler gets it: claimed, with the number of this attempt. */
export interface ClaimedJob extends Attempt {
  /** Aborted when the person cancels, when this worker has to stop, or when the queue gave the job to another worker. */
  readonly signal: AbortSignal;
  /** On while the work is to make room for other work, which the inference children see to by themselves. */
  readonly pause: Pause;
  /** Where an earlier attempt got to; for work of hours. */
  readonly checkpoint: Checkpoint;
  /** The inference children of this worker. */
  readonly models: Models;
}

/**
 * How one kind of job is done: writes its result and ends the attempt, in one transaction. Every write names the attempt and changes
 * nothing when another has begun, so a job that two workers did is done once to everybody's eyes.
 *
 * @returns false where there was nothing to do, because the subject was swept or is done; “goes on” where a part is done and the rest
 *   waits for its turn
 * @throws AppError; a temporary one is tried again, every other fails the job
 */
export type JobHandler = (job: ClaimedJob) => Promise<boolean | "goes on" | void>;
