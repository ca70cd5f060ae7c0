import { Prisma } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { backlogColumn, standing } from "./backlog.ts";
import { groupsWaiting } from "./groups-waiting.ts";
import { AWAITED, HUB_GROUP, priorities, type JobKind, type JobLane, type JobResource } from "./jobs.ts";

/** Where a job could be done: a place of a worker. */
export interface Place {
  readonly workerId: string;
  readonly resource: JobResource;
  /** Only jobs of these lanes, and of at least this priority. */
  readonly lanes: readonly JobLane[];
  readonly least: number;
  /** Nothing of a person for whom the worker does short work already. */
  readonly forOthers?: boolean;
  /** Bytes of its worker's memory; null where nothing limits it. */
  readonly memory: Room | null;
  /** Keys of the models that its worker holds open. */
  readonly models: readonly string[];
}

export interface Room {
  /** What its networks may take together. */
  readonly all: number;
  /** What is left of that now, and what would be once all short work had ended. */
  readonly now: number;
  readonly besideLong: number;
}

/** The first job of one person, of those that a place takes. */
export interface Head {
  readonly id: string;
  readonly kind: JobKind;
  readonly groupId: string;
  readonly priority: number;
  readonly lane: JobLane;
  readonly modelKey: string | null;
  readonly work: number;
  readonly needsBytes: number;
  readonly queuedAt: Date;
  /** How much the person has had, at least as much as whoever was begun last: so nobody saves turns up. */
  readonly turn: number;
  /** The same as it is: of two at the same turn, who has had less goes first. */
  readonly used: number;
  /** What waits for the person, about, in seconds, up to a bound. */
  readonly backlog: number;
}

/** So much later may somebody's turn be who is taken first because the worker holds their model already, in seconds of work. */
const MODEL_TURN_SECONDS = 10;
/** So long is a job left to a free worker that holds its model. */
const MODEL_WAIT_SECONDS = 2;
/** Work that nobody waits for is begun before other work once it was passed over for so long: it is slow then, and never starved. */
const BACKGROUND_SECONDS = 30;

interface Bounds {
  /** Only jobs that need at most so many bytes. */
  readonly memory: number;
  readonly lanes: readonly JobLane[];
  readonly most: number;
}

/** The first job of each person who waits for such a place: what is most urgent, of that what is short. */
const headsFor = (
  transaction: Transaction,
  place: Place,
  { memory, lanes, most }: Bounds,
): Promise<Head[]> => transaction.$queryRaw<Head[]>`
  SELECT h.id, h.kind, w.group_id AS "groupId", h.priority, h.lane, h.model_key AS "modelKey", h.work, coalesce(h.needs_bytes, 0)::float8 AS "needsBytes", h.queued_at AS "queuedAt",
    greatest(t.used, c.turn) AS turn, coalesce(t.used, 0) AS used, b.backlog
  FROM (${groupsWaiting(place.resource)}) w
  JOIN job_clock c ON c.resource = ${place.resource}::job_resource
  LEFT JOIN job_turn t ON t.resource = c.resource AND t.group_id = w.group_id
  CROSS JOIN LATERAL (
    SELECT j.* FROM job j
    WHERE j.resource = ${place.resource}::job_resource AND j.state = 'queued' AND j.group_id = w.group_id AND j.available_at <= now()
      AND j.priority BETWEEN ${place.least} AND ${most} AND j.lane = ANY (${[...lanes]}::job_lane[]) AND coalesce(j.needs_bytes, 0) <= ${memory}
      AND (j.model_key IS NULL OR j.model_key = ANY (${[...place.models]}) OR j.queued_at < now() - ${MODEL_WAIT_SECONDS} * interval '1 second'
        OR NOT EXISTS (SELECT FROM worker o WHERE o.id <> ${place.workerId}::uuid AND o.stopped_at IS NULL AND o.seen_at > now() - interval '10 seconds'
          AND o.free > 0 AND j.model_key = ANY (o.models)))
    ORDER BY j.priority DESC, j.lane, j.queued_at, j.id LIMIT 1) h
  CROSS JOIN LATERAL (${backlogColumn(place.resource, Prisma.sql`w.group_id`)}) b
  WHERE w.group_id IS NOT NULL AND NOT (${place.forOthers ?? false} AND EXISTS (
    SELECT FROM job r WHERE r.resource = ${place.resource}::job_resource AND r.state = 'running' AND r.worker_id = ${place.workerId}::uuid
      AND r.lane = 'seconds' AND r.group_id = w.group_id AND r.group_id <> ${HUB_GROUP}))`;

/**
 * Whose turn it is. Those come first for whom somebody waits; of them whoever has had least of the workers' time, and has least waiting
 * beside this; of equals the higher priority, then who waits longest. A person whose model is open already goes before those who stand
 * hardly before them.
 */
export function whoIsNext<H extends Head>(heads: readonly H[], models: readonly string[] = []): H | undefined {
  const awaited = heads.filter(({ priority }) => priority >= AWAITED);
  const inTurn = (awaited.length > 0 ? awaited : heads).toSorted(byTurn);
  const first = inTurn[0];
  return (
    first &&
    (inTurn.find(
      (head) =>
        head.modelKey !== null &&
        models.includes(head.modelKey) &&
        standing(head) <= standing(first) + MODEL_TURN_SECONDS,
    ) ??
      first)
  );
}

const byTurn = (a: Head, b: Head): number =>
  standing(a) - standing(b) ||
  a.used - b.used ||
  b.priority - a.priority ||
  a.queuedAt.getTime() - b.queuedAt.getTime();

/** Who is next and finds too little memory left is passed over for so long by long work, in milliseconds; by short work as long as that does not help. */
const PASSED_OVER_MS = 60_000;
/** More than any worker has. */
const NO_LIMIT = Number.MAX_SAFE_INTEGER;

/** The job to begin at a place, of those that `pick` leaves; undefined where nothing waits for it. */
export async function choose<H extends Head>(
  transaction: Transaction,
  place: Place,
  pick: (heads: readonly Head[]) => Promise<H[]>,
): Promise<H | undefined> {
  const first = async (bounds: Partial<Bounds>): Promise<H | undefined> => {
    const all = { memory: place.memory?.all ?? NO_LIMIT, lanes: place.lanes, most: priorities.person, ...bounds };
    return whoIsNext(await pick(await headsFor(transaction, place, all)), place.models);
  };
  const isDue = place.least < AWAITED && (await isBackgroundDue(transaction, place.resource));
  const next = (isDue ? await first({ most: AWAITED - 1 }) : undefined) ?? (await first({}));
  if (!next || !place.memory || next.needsBytes <= place.memory.now) return next;
  // It fits once the short work beside it has ended, which takes seconds: nothing is put in its way.
  if (next.needsBytes <= place.memory.besideLong) return undefined;
  const isOverdue = Date.now() - next.queuedAt.getTime() > PASSED_OVER_MS;
  const lanes = place.lanes.filter((lane) => !isOverdue || lane === "seconds");
  return first({ memory: place.memory.now, lanes });
}

async function isBackgroundDue(transaction: Transaction, resource: JobResource): Promise<boolean> {
  const rows = await transaction.$queryRaw<{ one: number }[]>`
    SELECT 1 AS one FROM job_clock WHERE resource = ${resource}::job_resource AND passed_over_at < now() - ${BACKGROUND_SECONDS} * interval '1 second'`;
  return rows.length > 0;
}

/** Counts what was begun as its person's turn, before it is known how long it takes. */
export async function countTurn(
  transaction: Transaction,
  resource: JobResource,
  { groupId, turn, priority }: Head,
  seconds: number,
): Promise<void> {
  await transaction.$executeRaw`
    INSERT INTO job_turn (resource, group_id, used) VALUES (${resource}::job_resource, ${groupId}, ${turn + seconds})
    ON CONFLICT (resource, group_id) DO UPDATE SET used = greatest(job_turn.used, ${turn}) + ${seconds}`;
  await transaction.$executeRaw`
    UPDATE job_clock SET turn = greatest(turn, ${turn}), passed_over_at = CASE
      WHEN ${priority < AWAITED} OR NOT EXISTS (SELECT FROM job j WHERE j.resource = ${resource}::job_resource AND j.state = 'queued' AND j.priority < ${AWAITED}) THEN NULL
      ELSE coalesce(passed_over_at, now()) END
    WHERE resource = ${resource}::job_resource`;
}

/** It took longer or less than was counted. */
export async function correctTurn(
  client: Transaction,
  resource: JobResource,
  groupId: string,
  seconds: number,
): Promise<void> {
  await client.$executeRaw`UPDATE job_turn SET used = used + ${seconds} WHERE resource = ${resource}::job_resource AND group_id = ${groupId}`;
}
