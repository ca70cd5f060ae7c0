import { isOwn, isVisible, isWritable } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { maySeePairWork, maySeePreview } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { Prisma } from "#lib/db/generated/client.ts";
import { queue } from "#lib/queue/boss.ts";
import { queueOf } from "#lib/queue/jobs.ts";
import type { JobItem, JobQuery } from "./schema.ts";

export interface JobRow extends Omit<JobItem, "createdAt" | "ahead"> {
  readonly jobId: string | null;
  readonly createdAt: Date;
}

export interface JobSelection extends Partial<Pick<JobQuery, "state" | "kind">> {
  readonly subjectId?: string;
  /** Only what this person asked for. */
  readonly userId?: string;
  /** Only what comes after this place, newest first. */
  readonly after?: readonly [createdAt: Date, subjectId: string];
}

/** Jobs that the actor may see, of all four kinds in one list, newest first. */
export async function selectJobs(actor: Actor, selection: JobSelection, count: number): Promise<JobRow[]> {
  await queue(); // its tables are joined, and a hub on its first day may not have them yet
  return database().$queryRaw<JobRow[]>`
    SELECT "subjectId", kind, state, attempt, repo, guide, path, progress, problem, "mayChange", "jobId", "createdAt" FROM (${allKinds(actor)}) job
    WHERE ${conditionsOf(selection)} ORDER BY "createdAt" DESC, "subjectId" DESC LIMIT ${count}`;
}

/** How many there are in each state. */
export async function countJobs(
  actor: Actor,
  selection: JobSelection,
): Promise<{ state: JobItem["state"]; count: number }[]> {
  await queue();
  return database()
    .$queryRaw`SELECT state, count(*)::int AS count FROM (${allKinds(actor)}) job WHERE ${conditionsOf(selection)} GROUP BY state`;
}

const allKinds = (actor: Actor): Prisma.Sql =>
  Prisma.sql`${uploads(actor)} UNION ALL ${inspections(actor)} UNION ALL ${pairs(actor)} UNION ALL ${previews(actor)}`;

function conditionsOf({ state, kind, subjectId, userId, after }: JobSelection): Prisma.Sql {
  const conditions = [
    ...(state === undefined ? [] : [Prisma.sql`state = ${state}`]),
    ...(kind === undefined ? [] : [Prisma.sql`kind = ${kind}`]),
    ...(subjectId === undefined ? [] : [Prisma.sql`"subjectId" = ${subjectId}::uuid`]),
    ...(userId === undefined ? [] : [Prisma.sql`${userId} = ANY (people)`]),
    ...(after === undefined ? [] : [Prisma.sql`("createdAt", "subjectId") < (${after[0]}, ${after[1]}::uuid)`]),
  ];
  return conditions.length === 0 ? Prisma.sql`TRUE` : Prisma.join(conditions, " AND ");
}

/** The name of the repo that goes by an alias. */
const nameOf = (alias: string): Prisma.Sql =>
  Prisma.raw(`(SELECT n.name FROM namespace n WHERE n.id = ${alias}.namespace_id) || '/' || ${alias}.name`);

/** An upload is one person's until it is part of a commit. It becomes a job when its last byte has come. */
const uploads = (actor: Actor): Prisma.Sql => Prisma.sql`
  SELECT u.id AS "subjectId", 'hash' AS kind,
    CASE u.state WHEN 'hashing' THEN CASE WHEN u.attempt = 0 THEN 'queued' ELSE 'running' END
      WHEN 'verified' THEN 'succeeded' WHEN 'linked' THEN 'succeeded' WHEN 'failed' THEN 'failed' ELSE 'cancelled' END AS state,
    u.attempt, ${nameOf("r")} AS repo, NULL AS guide, u.path, NULL::jsonb AS progress, u.problem, u.job_id AS "jobId", u.created_at AS "createdAt", ARRAY[u.user_id] AS people, TRUE AS "mayChange"
  FROM upload u JOIN repo r ON r.id = u.repo_id
  WHERE u.job_id IS NOT NULL AND ${isVisible(actor, "r")} AND ${isOwn(actor, "u")}`;

const inspections = (actor: Actor): Prisma.Sql => Prisma.sql`
  SELECT i.id, 'inspect', i.state::text, i.attempt, ${nameOf("r")}, NULL, NULL, NULL::jsonb, i.problem, i.job_id, i.created_at, ARRAY[c.author_id], ${isWritable(actor, "r")}
  FROM inspection i JOIN commit c ON c.id = i.commit_id JOIN repo r ON r.id = c.repo_id
  WHERE ${isVisible(actor, "r")}`;

/** A measurement is for whoever may see both sides of it. Who asked for it is known to the queue alone, and for as long as it keeps the job. */
const pairs = (actor: Actor): Prisma.Sql => Prisma.sql`
  SELECT p.id, 'check', p.state::text, p.attempt, ${nameOf("f")}, ${nameOf("g")}, NULL, p.progress, p.problem, p.job_id, p.created_at, ARRAY[fc.author_id, gc.author_id, w.group_id],
    COALESCE(w.group_id = ${actor.kind === "person" ? actor.userId : null}, FALSE) OR (${isWritable(actor, "f")}) OR (${isWritable(actor, "g")})
  FROM pair p JOIN commit fc ON fc.id = p.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
    JOIN commit gc ON gc.id = p.guide_commit_id JOIN repo g ON g.id = gc.repo_id
    LEFT JOIN pgboss.job w ON w.name = ${queueOf("check")} AND w.id = p.job_id
  WHERE ${maySeePairWork(actor, "p")}`;

/** A coarse picture is for the preview's own page. */
const previews = (actor: Actor): Prisma.Sql => Prisma.sql`
  SELECT v.id, 'preview', v.state::text, v.attempt, ${nameOf("f")}, ${nameOf("g")}, NULL, v.progress - 'picture', v.problem, v.job_id, v.created_at, ARRAY[v.user_id], TRUE
  FROM preview v JOIN commit fc ON fc.id = v.finetune_commit_id JOIN repo f ON f.id = fc.repo_id
    LEFT JOIN commit gc ON gc.id = v.guide_commit_id LEFT JOIN repo g ON g.id = gc.repo_id
  WHERE ${isOwn(actor, "v")} AND ${maySeePreview(actor, "v")}`;
