import type { AppError } from "#lib/errors.ts";
import type { Models } from "./models.ts";

/** A job as a handler gets it: claimed, with the number of this attempt. */
export interface ClaimedJob {
  readonly subjectId: string;
  readonly attempt: number;
  /** Aborted when the person cancels, when this worker has to stop, or when the queue gave the job to another worker. */
  readonly signal: AbortSignal;
  /** The inference children of this worker. */
  readonly models: Models;
}

/**
 * How one kind of job is done. Every write names the attempt and changes nothing when another has begun, so a job that two workers
 * did is done once to everybody's eyes.
 */
export interface JobHandler {
  /** Takes the row and counts its attempt up. Null: there is nothing to do, because it was cancelled, swept or done. */
  claim(subjectId: string): Promise<number | null>;
  /** Does the work and writes its result. @throws AppError; a temporary one is tried again, every other fails the job */
  run(job: ClaimedJob): Promise<void>;
  /** Writes why it failed. */
  fail(subjectId: string, attempt: number, failure: AppError): Promise<void>;
}
