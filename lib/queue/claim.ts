import { randomUUID } from "node:crypto";
import { fromPrisma } from "pg-boss";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { queue } from "./boss.ts";
import { choose, countTurn, type Head, type Place } from "./choose.ts";
import type { JobKind, JobLane, JobPayload, JobResource } from "./jobs.ts";
import { ratesFor } from "./rates.ts";

/** A job that a worker holds, under the number of this attempt. */
export interface Claim {
  readonly id: string;
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly attempt: number;
  readonly resource: JobResource;
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  readonly turn: number;
  readonly modelKey: string | null;
  readonly work: number;
  /** Of memory; null where nothing tells. */
  readonly needsBytes: number | null;
  readonly returns: number;
  readonly checkpointKey: string | null;
  /** pg-boss's job behind it. */
  readonly queueId: string;
  /** What was counted as its person's turn. */
  readonly counted: number;
}

/** What could be claimed, and how many seconds it takes, about. */
export type Candidate = Head & { readonly seconds: number };

/** Whether a job that is offered is wanted. `backlogs`: what waits for each person of whose jobs one is offered. */
type Wish = (candidate: Candidate, backlogs: ReadonlyMap<string, number>) => boolean;

/**
 * Gives a place of a worker the job whose turn it is. pg-boss keeps what is claimed from then on; it is asked for just this job by its
 * ticket, which stands where pg-boss has priorities.
 */
export function claimNext(place: Place, isWanted: Wish = () => true): Promise<Claim | null> {
  return inLockedTransaction(database(), async (transaction) => {
    // Turns are given one after the other: two workers at once would both take the same person's.
    await transaction.$executeRaw`SELECT pg_advisory_xact_lock(4210, ${place.resource === "files" ? 0 : 1})`;
    const next = await choose(transaction, place, async (heads) => {
      const backlogs = new Map(heads.map(({ groupId, backlog }) => [groupId, backlog]));
      return (await timed(transaction, heads)).filter((candidate) => isWanted(candidate, backlogs));
    });
    if (!next) return null;
    const queueId = await takeFromQueue(transaction, place.resource, next.id);
    const [row] = await transaction.$queryRaw<
      (Omit<Claim, "turn" | "counted" | "needsBytes"> & { readonly needsBytes: bigint | null })[]
    >`
        UPDATE job SET state = 'running', attempt = attempt + 1, worker_id = ${place.workerId}::uuid, started_at = now(), ran = 0 WHERE id = ${next.id}::uuid
        RETURNING id, kind, subject_id AS "subjectId", attempt, resource, lane, priority, group_id AS "groupId", model_key AS "modelKey", work, needs_bytes AS "needsBytes", returns,
          checkpoint_key AS "checkpointKey", queue_id AS "queueId"`;
    const counted = next.seconds;
    await countTurn(transaction, place.resource, next, counted);
    const needsBytes = row!.needsBytes === null ? null : Number(row!.needsBytes);
    return { ...row!, needsBytes, queueId, turn: next.turn, counted };
  });
}

async function timed(transaction: Transaction, heads: readonly Head[]): Promise<Candidate[]> {
  if (heads.length === 0) return [];
  const rates = await ratesFor(
    heads.flatMap(({ modelKey }) => modelKey ?? []),
    transaction,
  );
  return heads.map((head) => ({ ...head, seconds: head.work * rates.guess(head.kind, head.modelKey) }));
}

/** What pg-boss lost, or never had under this ticket since an older version sent it, is sent once more. */
async function takeFromQueue(transaction: Transaction, resource: JobResource, id: string): Promise<string> {
  const [boss, db] = [await queue(), fromPrisma(transaction)];
  const [row] = await transaction.$queryRaw<(JobPayload & { ticket: number; queueId: string | null })[]>`
    SELECT kind, subject_id AS "subjectId", ticket, queue_id AS "queueId" FROM job WHERE id = ${id}::uuid`;
  const { ticket, queueId, ...payload } = row!;
  const fetch = async (): Promise<string | undefined> =>
    (await boss.fetch(resource, { minPriority: ticket, maxPriority: ticket, db }))[0]?.id;
  const found = await fetch();
  if (found !== undefined && found === queueId) return found;
  if (queueId !== null) await boss.cancel(resource, queueId, { db });
  const newId = randomUUID();
  await boss.send(resource, payload, { id: newId, priority: ticket, db });
  await transaction.$executeRaw`UPDATE job SET queue_id = ${newId}::uuid WHERE id = ${id}::uuid`;
  await fetch();
  return newId;
}
