import type { Database } from "./client.ts";
import { Prisma } from "./generated/client.ts";
import { type OutboxKind, outboxKinds } from "./outbox-kinds.ts";
import type { Transaction } from "./transaction.ts";

export interface OutboxEntry {
  readonly kind: OutboxKind;
  readonly subjectId: string;
  /** Who did it; null: the hub itself. */
  readonly actorId?: string | null;
  readonly apikeyId?: string | null;
  /** Where the subject is neither itself. */
  readonly repoId?: string | null;
  readonly detail?: Prisma.InputJsonObject;
}

/** Writes down what `client` does in its transaction: it happened if and only if that is committed. */
export async function append(client: Database | Transaction, entry: OutboxEntry): Promise<void> {
  const { kind, subjectId, actorId = null, apikeyId = null, detail = {} } = entry;
  const repoId = outboxKinds[kind] === "repo" ? subjectId : (entry.repoId ?? null);
  const namespaceId = outboxKinds[kind] === "namespace" ? subjectId : null;
  await client.$executeRaw`
    INSERT INTO outbox (kind, actor_id, apikey_id, subject_id, repo_id, namespace_id, detail)
    VALUES (${kind}, ${actorId}, ${apikeyId}, ${subjectId}, ${repoId}::uuid,
      coalesce(${namespaceId}::uuid, (SELECT namespace_id FROM repo WHERE id = ${repoId}::uuid)), ${JSON.stringify(detail)}::jsonb)`;
}

/** Where a reader is: after the entry of this place. */
export interface OutboxPlace {
  readonly position: bigint;
  readonly id: bigint;
}

export interface OutboxRow extends OutboxPlace {
  readonly at: Date;
  readonly kind: OutboxKind;
  readonly actorId: string | null;
  readonly apikeyId: string | null;
  readonly subjectId: string;
  readonly namespaceId: string | null;
  readonly repoId: string | null;
  readonly detail: Prisma.JsonObject;
}

const columns = Prisma.sql`id, position, at, kind, actor_id AS "actorId", apikey_id AS "apikeyId", subject_id AS "subjectId",
  namespace_id AS "namespaceId", repo_id AS "repoId", detail`;

/**
 * What comes after a place, the oldest first; from the beginning on where there is none. It stops before the first transaction that has
 * not ended, so that what commits late is read late and never missed: whoever goes on from the last row that it was given sees each row
 * once.
 */
export const readOutbox = (
  client: Database | Transaction,
  after: OutboxPlace | null,
  kinds: readonly OutboxKind[],
  limit: number,
): Promise<OutboxRow[]> => client.$queryRaw`
  SELECT ${columns} FROM outbox
  WHERE (position, id) > (${after?.position ?? -1n}, ${after?.id ?? 0n}) AND position < outbox_horizon() AND kind = ANY (${[...kinds]})
  ORDER BY position, id LIMIT ${limit}`;

/** The newest first, of one subject where one is named. For people who look: what is not committed yet comes with the next look. */
export const lookBack = (
  client: Database | Transaction,
  { kinds, subjectId, actorId, before }: OutboxLook,
  limit: number,
): Promise<OutboxRow[]> => client.$queryRaw`
  SELECT ${columns} FROM outbox
  WHERE ${kindsOf(kinds)} ${subjectId === undefined ? Prisma.empty : Prisma.sql`AND subject_id = ${subjectId}`}
    ${actorId === undefined ? Prisma.empty : Prisma.sql`AND actor_id = ${actorId}`}
    ${before === undefined ? Prisma.empty : Prisma.sql`AND id < ${before}`}
  ORDER BY id DESC LIMIT ${limit}`;

export interface OutboxLook {
  readonly kinds: "audit" | "job";
  readonly subjectId?: string;
  readonly actorId?: string;
  readonly before?: bigint;
}

/** As the indexes have it. */
const kindsOf = (kinds: OutboxLook["kinds"]): Prisma.Sql =>
  kinds === "job" ? Prisma.sql`kind LIKE 'job.%'` : Prisma.sql`kind NOT LIKE 'job.%'`;

/** What happened to jobs before that day; what people did stays. */
export const forgetJobEvents = (client: Database, before: Date): Promise<number> =>
  client.$executeRaw`DELETE FROM outbox WHERE kind LIKE 'job.%' AND at < ${before}`;
