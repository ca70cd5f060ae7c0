import { Prisma } from "#lib/db/generated/client.ts";
import { AWAITED, type JobLane, type JobResource } from "./jobs.ts";

/**
 * Who asks for much at once comes after who asks for little: beside what a person has had counts what waits for them, as a rough figure in
 * seconds, up to a bound. Past it a person with a flood and one without take turns by what they have had alone.
 */
const SECONDS = { seconds: 3, minutes: 60, hours: 600 } as const satisfies Record<JobLane, number>;
const MOST_SECONDS = 300;

interface Waiting {
  readonly lane: JobLane;
  readonly priority: number;
}

/** Of all that waits for one person. */
export const backlogOf = (waiting: readonly Waiting[]): number =>
  Math.min(
    MOST_SECONDS,
    waiting.reduce((sum, { lane, priority }) => sum + (priority >= AWAITED ? SECONDS[lane] : 0), 0),
  );

/** The same of those for whom `waiter.group_id` stands: a column “backlog”. It reads no more of their jobs than fill the bound. */
export const backlogColumn = (resource: JobResource, waiter: Prisma.Sql): Prisma.Sql => Prisma.sql`
  SELECT least(${MOST_SECONDS}::int, coalesce(sum(CASE lane WHEN 'seconds' THEN ${SECONDS.seconds}::int WHEN 'minutes' THEN ${SECONDS.minutes}::int ELSE ${SECONDS.hours}::int END), 0))::float8 AS backlog
  FROM (SELECT lane FROM job WHERE resource = ${resource}::job_resource AND state = 'queued' AND group_id = ${waiter} AND priority >= ${AWAITED}
    LIMIT ${MOST_SECONDS / SECONDS.seconds}) few`;

export interface Turn extends Waiting {
  /** Of its person, in seconds of work. */
  readonly turn: number;
  readonly backlog: number;
}

/** Where a job stands among those of other persons: what its person has had, and what waits for them beside it. Less goes first. */
export const standing = ({ turn, backlog, lane, priority }: Turn): number =>
  turn + Math.max(0, backlog - (priority >= AWAITED ? SECONDS[lane] : 0));
