import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { type JobKind, type JobResource, MAX_LOSSES, resources, subjectOf } from "./jobs.ts";
import { wakeWorkers } from "./enqueue.ts";
import { addEvent } from "./timeline.ts";

interface Lost {
  readonly id: string;
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly resource: JobResource;
  readonly attempt: number;
  readonly queueId: string | null;
  /** What pg-boss says of it; null where it has it no more. */
  readonly now: string | null;
}

/**
 * Jobs whose workers pg-boss has given up go back into their places, and those that were lost once too often end and say so. Any
 * number of workers may look at once; each row is taken by one.
 */
export async function returnLost(): Promise<number> {
  const lost = await database().$queryRaw<Lost[]>`
    SELECT j.id, j.kind, j.subject_id AS "subjectId", j.resource, j.attempt, j.queue_id AS "queueId", b.state::text AS now
    FROM job j LEFT JOIN pgboss.job b ON b.name = j.resource::text AND b.id = j.queue_id
    WHERE j.resource = ANY (${[...resources]}::job_resource[]) AND j.state = 'running' AND b.state IS DISTINCT FROM 'active'`;
  let count = 0;
  for (const job of lost) if (await (job.now === "failed" ? bury(job) : putBack(job))) count++;
  return count;
}

const putBack = ({ id, kind, subjectId, resource, attempt, queueId }: Lost): Promise<boolean> =>
  inLockedTransaction(database(), async (transaction) => {
    const count = await transaction.$executeRaw`
      UPDATE job SET state = 'queued', worker_id = NULL, started_at = NULL WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running'`;
    if (count === 0) return false;
    await addEvent(transaction, {
      subject: subjectOf[kind],
      subjectId,
      ...(queueId !== null && { jobId: queueId }),
      attempt,
      kind: "retried",
      message: "The worker that had it is gone; another takes it.",
    });
    await wakeWorkers(transaction, resource);
    return true;
  });

const bury = ({ id, kind, subjectId, attempt, queueId }: Lost): Promise<boolean> =>
  inLockedTransaction(database(), async (transaction) => {
    const failure = new AppError(
      "worker_lost",
      `This was begun ${MAX_LOSSES + 1} times, and each time the worker that did it was lost, most often because memory ran out; try it with a smaller model, or ask the hub's operator.`,
      { losses: MAX_LOSSES + 1 },
    );
    const count = await transaction.$executeRaw`
      UPDATE job SET state = 'failed', problem = ${failure.message}, finished_at = now() WHERE id = ${id}::uuid AND attempt = ${attempt} AND state = 'running'`;
    if (count === 0) return false;
    log().error({ event: "job.failed", kind, subjectId, attempt, code: failure.code }, failure.message);
    await addEvent(transaction, {
      subject: subjectOf[kind],
      subjectId,
      ...(queueId !== null && { jobId: queueId }),
      attempt,
      kind: "failed",
      message: failure.message,
      detail: { code: failure.code },
    });
    return true;
  });
