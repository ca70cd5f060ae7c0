import { fromPrisma } from "pg-boss";
import type { Transaction } from "#lib/db/transaction.ts";
import { askQueue } from "./boss.ts";
import { type JobKind, priorities, queueOf } from "./jobs.ts";

/** A person waits for a job that waits as a batch: it goes before the others, as if they had asked for it first. */
export async function raiseToPerson(
  transaction: Transaction,
  kind: JobKind,
  jobId: string,
  userId: string,
): Promise<void> {
  const raised =
    "UPDATE pgboss.job SET priority = $1, group_id = $2 WHERE name = $3 AND id = $4 AND state < 'active' AND priority < $1";
  await fromPrisma(transaction).executeSql(raised, [priorities.person, userId, queueOf(kind), jobId]);
}

/** Who waits for a job; null where nobody does by name. */
export async function waiterOf(kind: JobKind, jobId: string): Promise<string | null> {
  const [job] = await askQueue<{ waiter: string | null }>(
    "SELECT group_id AS waiter FROM pgboss.job WHERE name = $1 AND id = $2",
    [queueOf(kind), jobId],
  );
  return job?.waiter ?? null;
}
