import { database } from "#lib/db/client.ts";
import { groupsWaiting } from "./groups-waiting.ts";
import { foresee, type Picture, type RunningJob, type Start, type WaitingJob } from "./forecast.ts";
import {
  HUB_GROUP,
  type JobKind,
  type JobLane,
  type JobResource,
  priorities,
  type Priority,
  resourceOf,
  usualLane,
} from "./jobs.ts";
import { placesOfWorker } from "./places.ts";
import { ratesFor } from "./rates.ts";
import { type Need, whyNoWorker } from "./room.ts";
import { liveWorkers } from "./workers.ts";

/** The place of a job in its queue. */
export interface QueuePosition {
  /** Jobs that will be begun before it. */
  readonly ahead: number;
  /** Jobs that are being done. */
  readonly running: number;
  readonly workers: number;
  /** How long until it begins, in seconds, as far as earlier jobs tell. Null where they do not, or nobody works. */
  readonly seconds: number | null;
  /** Why none of the workers begins it, where that is so. */
  readonly problem: string | null;
}

/** Null when it does not wait: it is being done, has ended, or never was. */
export async function queuePosition(kind: JobKind, subjectId: string): Promise<QueuePosition | null> {
  const isIt = (job: WaitingJob): boolean => job.subjectId === subjectId && job.kind === kind;
  const rows = await database().$queryRaw<{ one: number }[]>`
    SELECT 1 AS one FROM job WHERE subject_id = ${subjectId}::uuid AND kind = ${kind}::job_kind AND state = 'queued'`;
  if (rows.length === 0) return null;
  const { picture, starts } = await seenWith(resourceOf[kind], ({ waiting }) => waiting.some(isIt));
  const job = picture.waiting.find(isIt);
  return toPosition(picture, job, job && starts.get(job.id));
}

/** The places of those of some subjects for which a job waits. */
export async function positionsOf(subjectIds: readonly string[]): Promise<ReadonlyMap<string, QueuePosition>> {
  const waiting = await database().$queryRaw<{ id: string; subjectId: string; resource: JobResource }[]>`
    SELECT id, subject_id AS "subjectId", resource FROM job WHERE subject_id = ANY (${[...subjectIds]}::uuid[]) AND state = 'queued'`;
  const positions = new Map<string, QueuePosition>();
  for (const [resource, jobs] of Map.groupBy(waiting, (job) => job.resource)) {
    const { picture, starts } = await seen(resource);
    const byId = new Map(picture.waiting.map((job) => [job.id, job]));
    for (const { id, subjectId } of jobs) positions.set(subjectId, toPosition(picture, byId.get(id), starts.get(id)));
  }
  return positions;
}

/** How many go before each of these jobs; what does not wait is left out. */
export async function placesOf(
  jobs: readonly { readonly id: string; readonly kind: JobKind }[],
): Promise<ReadonlyMap<string, number>> {
  const places = new Map<string, number>();
  for (const [resource, some] of Map.groupBy(jobs, ({ kind }) => resourceOf[kind])) {
    const { picture, starts } = await seenWith(resource, ({ waiting }) => {
      const there = new Set(waiting.map(({ id }) => id));
      return some.every(({ id }) => there.has(id));
    });
    for (const { id } of some) places.set(id, starts.get(id)?.ahead ?? picture.waiting.length);
  }
  return places;
}

export interface Asked {
  readonly kind: JobKind;
  readonly priority: Priority;
  readonly userId: string | null;
  readonly lane?: JobLane;
  /** As `enqueue` takes it: what is short makes others make room. */
  readonly work?: number;
}

/** The place that a job would have if it were asked for now. */
export async function nextPosition({
  kind,
  priority,
  userId,
  lane = usualLane[kind],
  work = 1,
}: Asked): Promise<QueuePosition> {
  const { picture } = await seen(resourceOf[kind]);
  const rate = (await ratesFor()).of(kind);
  const job: WaitingJob = {
    id: "next",
    kind,
    subjectId: "next",
    groupId: userId ?? HUB_GROUP,
    priority: priorities[priority],
    lane,
    modelKey: null,
    queuedAt: new Date(8.64e15),
    seconds: rate && rate * work,
    need: null,
  };
  const asked = { ...picture, waiting: [...picture.waiting, job] };
  return toPosition(picture, job, foresee(asked).get(job.id));
}

const toPosition = (
  { waiting, running, workers, places }: Picture,
  job: WaitingJob | undefined,
  start: Start | undefined,
): QueuePosition => ({
  ahead: start?.ahead ?? waiting.length,
  running: running.length,
  workers,
  seconds: start?.seconds ?? null,
  problem: whyNoWorker(
    job?.need ?? null,
    places.map(({ memory }) => memory),
  ),
});

interface Seen {
  readonly picture: Picture;
  readonly starts: ReadonlyMap<string, Start>;
}

/** So long the same picture does for everybody who asks: pages and streams ask every two seconds, each. In milliseconds. */
const SAME_MS = 250;

const shared = globalThis as {
  guidepostPictures?: Map<JobResource, { readonly until: number; readonly seen: Promise<Seen> }>;
};
const pictures = (shared.guidepostPictures ??= new Map());

/** What was seen a moment ago does, unless it was before what is asked about came. What is far behind is in no picture. */
async function seenWith(resource: JobResource, isIn: (picture: Picture) => boolean): Promise<Seen> {
  const before = await seen(resource);
  if (isIn(before.picture) || before.picture.waiting.length >= OF_ALL) return before;
  pictures.delete(resource);
  return seen(resource);
}

function seen(resource: JobResource): Promise<Seen> {
  const known = pictures.get(resource);
  if (known && known.until > performance.now()) return known.seen;
  const now = read(resource).then((picture) => ({ picture, starts: foresee(picture) }));
  pictures.set(resource, { until: performance.now() + SAME_MS, seen: now });
  now.catch(() => pictures.delete(resource));
  return now;
}

/** What is looked at of each person, and of all: beyond, nobody is told more than that it is a long way. */
const OF_ONE = 200;
const OF_ALL = 2000;

type Row = Omit<WaitingJob, "seconds" | "need"> & {
  readonly work: number;
  readonly needsBytes: bigint | null;
  readonly needsFor: string | null;
};

async function read(resource: JobResource): Promise<Picture> {
  const [waiting, running, turns, workers] = await Promise.all([
    database().$queryRaw<Row[]>`
      SELECT j.* FROM (${groupsWaiting(resource)}) p CROSS JOIN LATERAL (
        SELECT id, kind, subject_id AS "subjectId", group_id AS "groupId", priority, lane, model_key AS "modelKey", work, needs_bytes AS "needsBytes", needs_for AS "needsFor", queued_at AS "queuedAt" FROM job
        WHERE resource = ${resource}::job_resource AND state = 'queued' AND group_id = p.group_id ORDER BY priority DESC, lane, queued_at, id LIMIT ${OF_ONE}) j
      LIMIT ${OF_ALL}`,
    database().$queryRaw<(Row & { readonly ran: number })[]>`
      SELECT id, kind, subject_id AS "subjectId", group_id AS "groupId", priority, lane, model_key AS "modelKey", work, needs_bytes AS "needsBytes", needs_for AS "needsFor", extract(epoch FROM now() - started_at)::float8 AS ran
      FROM job WHERE resource = ${resource}::job_resource AND state = 'running'`,
    database().$queryRaw<{ groupId: string; used: number; clock: number }[]>`
      SELECT t.group_id AS "groupId", t.used, c.turn AS clock FROM job_clock c LEFT JOIN job_turn t ON t.resource = c.resource AND t.used > c.turn - 1
      WHERE c.resource = ${resource}::job_resource`,
    liveWorkers(),
  ]);
  const rates = await ratesFor([...waiting, ...running].flatMap(({ modelKey }) => modelKey ?? []));
  const timed = <R extends Row>(row: R): R & { seconds: number | null; need: Need | null } => {
    const rate = rates.of(row.kind, row.modelKey);
    const { needsBytes, needsFor } = row;
    const need = needsBytes === null ? null : { bytes: Number(needsBytes), what: needsFor ?? "all in all" };
    return { ...row, seconds: rate && rate * row.work, need };
  };
  return {
    resource,
    waiting: waiting.map(timed),
    running: running.map(timed) satisfies RunningJob[],
    places: workers.flatMap(({ places, memory }) =>
      placesOfWorker(places).flatMap((place) => (place.resource === resource ? [{ ...place, memory }] : [])),
    ),
    workers: workers.length,
    used: new Map(turns.flatMap(({ groupId, used }) => (groupId === null ? [] : [[groupId, used]]))),
    clock: turns[0]?.clock ?? 0,
  };
}
