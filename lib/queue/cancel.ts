import { fromPrisma } from "pg-boss";
import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { affectedBy, queue } from "./boss.ts";
import { type JobKind, type JobPayload, queueOf, subjectOf } from "./jobs.ts";
import { addEvent } from "./timeline.ts";

/**
 * Takes a job out of its queue, or away from its worker, which then stops. Its row is for the caller to change, in `transaction`
 * where one is given. @returns whether there was something to cancel
 */
export async function cancelJob(kind: JobKind, jobId: string, transaction?: Transaction): Promise<boolean> {
  const client = transaction ?? database();
  const [boss, name, db] = [await queue(), queueOf(kind), fromPrisma(client)];
  if (affectedBy(await boss.cancel(name, jobId, { db })) === 0) return false;
  await db.executeSql("SELECT pg_notify('guidepost', $1)::text AS told", [jobId]); // its worker watches
  const [job] = await boss.findJobs<JobPayload>(name, { id: jobId, db });
  if (job)
    await addEvent(client, {
      subject: subjectOf[kind],
      subjectId: job.data.subjectId,
      jobId,
      attempt: 0,
      kind: "cancelled",
      message: "Cancelled.",
    });
  return true;
}
