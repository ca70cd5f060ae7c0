import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { jobKinds } from "#lib/queue/jobs.ts";
import type { JobItem, JobQuery } from "./schema.ts";
import { subjectsSeenBy } from "./visibility.ts";

export interface JobRow extends Omit<JobItem, "createdAt" | "ahead"> {
  readonly id: string;
  readonly createdAt: Date;
}

export type JobPlace = readonly [createdAt: Date, id: string];

export interface JobSelection extends Partial<Pick<JobQuery, "state" | "kind">> {
  readonly subjectId?: string;
  /** Only what this person asked for, or what follows from their commits. */
  readonly userId?: string;
  /** Only what comes after this place, newest first. */
  readonly after?: JobPlace;
}

export interface JobPage {
  readonly rows: readonly JobRow[];
  /** Where it goes on; null at the end. */
  readonly next: JobPlace | null;
}

/** So many of the newest are looked at for one page. It may be short where few of many may be seen; the next one goes on. */
const LOOKED_AT = 1000;

/** Jobs that the actor may see, newest first: the index on what is asked for gives the rows, and of each is asked whether it is seen. */
export async function selectJobs(actor: Actor, selection: JobSelection, count: number): Promise<JobPage> {
  const rows = await database().$queryRaw<JobRow[]>`
    WITH j AS MATERIALIZED (${newest(selection)})
    SELECT j.id, j.subject_id AS "subjectId", j.kind::text, j.state::text, j.attempt, s.repo, s.guide, s.path, s.pair, p.value - 'picture' AS progress, j.problem,
      coalesce(s."mayChange", FALSE) AS "mayChange", j.created_at AS "createdAt"
    FROM j JOIN LATERAL (${seenSubject(actor)}) s ON TRUE LEFT JOIN job_progress p ON p.job_id = j.id
    ORDER BY j.created_at DESC, j.id DESC LIMIT ${count + 1}`;
  if (rows.length > count) {
    const page = rows.slice(0, count);
    const { createdAt, id } = page.at(-1)!;
    return { rows: page, next: [createdAt, id] };
  }
  return { rows, next: await behind(selection) };
}

/** The last of the newest that were looked at, where there may be more behind it. */
async function behind(selection: JobSelection): Promise<JobPlace | null> {
  const [edge] = await database().$queryRaw<{ id: string; createdAt: Date }[]>`
    SELECT id, created_at AS "createdAt" FROM (${newest(selection)}) j ORDER BY created_at DESC, id DESC OFFSET ${LOOKED_AT - 1} LIMIT 1`;
  return edge ? [edge.createdAt, edge.id] : null;
}

/** How many of the newest that the actor may see are in each state. */
export async function countJobs(
  actor: Actor,
  selection: JobSelection,
): Promise<{ state: JobItem["state"]; count: number }[]> {
  return database().$queryRaw`
    WITH j AS MATERIALIZED (${newest(selection)})
    SELECT j.state::text, count(*)::int AS count FROM j JOIN LATERAL (${seenSubject(actor)}) s ON TRUE GROUP BY j.state`;
}

const newest = (selection: JobSelection): Prisma.Sql =>
  Prisma.sql`SELECT * FROM job WHERE ${conditionsOf(selection)} ORDER BY created_at DESC, id DESC LIMIT ${LOOKED_AT}`;

function conditionsOf({ state, kind, subjectId, userId, after }: JobSelection): Prisma.Sql {
  const conditions = [
    ...(state === undefined ? [] : [Prisma.sql`state = ${state}::job_state`]),
    ...(kind === undefined ? [] : [Prisma.sql`kind = ${kind}::job_kind`]),
    ...(subjectId === undefined ? [] : [Prisma.sql`subject_id = ${subjectId}::uuid`]),
    ...(userId === undefined ? [] : [Prisma.sql`group_id = ${userId}`]),
    ...(after === undefined ? [] : [Prisma.sql`(created_at, id) < (${after[0]}, ${after[1]}::uuid)`]),
  ];
  return conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join(conditions, " AND ");
}

/** Only the branch of the job's own kind is run. */
function seenSubject(actor: Actor): Prisma.Sql {
  const subjects = subjectsSeenBy(actor);
  const branches = jobKinds.map(
    (kind) => Prisma.sql`(SELECT * FROM (${subjects[kind]}) about WHERE j.kind = ${kind}::job_kind)`,
  );
  return Prisma.join(branches, " UNION ALL ");
}
