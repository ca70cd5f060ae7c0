import { database } from "#lib/db/client.ts";
import type { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import type { Attempt } from "./attempt.ts";
import type { JobKind } from "./jobs.ts";

/** Says how far an attempt is, to whoever watches its subject. @returns false when it is not wanted any more */
export async function saveProgress(
  { kind, subjectId, attempt }: Attempt,
  value: object,
  client: Transaction = database(),
): Promise<boolean> {
  const count = await client.$executeRaw`
    INSERT INTO job_progress (job_id, subject_id, value)
    SELECT id, subject_id, ${JSON.stringify(value)}::jsonb FROM job
    WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND attempt = ${attempt} AND state = 'running'
    ON CONFLICT (job_id) DO UPDATE SET value = EXCLUDED.value`;
  return count > 0;
}

/** How far the work on some subjects is, by subject; those on which nobody works are left out. */
export async function progressOf(kind: JobKind, subjectIds: readonly string[]): Promise<Map<string, Prisma.JsonValue>> {
  if (subjectIds.length === 0) return new Map();
  const rows = await database().$queryRaw<{ subjectId: string; value: Prisma.JsonValue }[]>`
    SELECT p.subject_id AS "subjectId", p.value FROM job_progress p JOIN job j ON j.id = p.job_id AND j.kind = ${kind}::job_kind
    WHERE p.subject_id = ANY (${[...subjectIds]}::uuid[])`;
  return new Map(rows.map(({ subjectId, value }) => [subjectId, value]));
}
