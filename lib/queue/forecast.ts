import { whoIsNext } from "./choose.ts";
import { leastRun, makesRoom, SLICE_SECONDS } from "./interrupt.ts";
import { type JobKind, type JobLane, type JobResource, lanes } from "./jobs.ts";
import { type PlaceKind, takes } from "./places.ts";

/** All that waits for one resource and runs on it, as it is known at one moment. */
export interface Picture {
  readonly resource: JobResource;
  readonly waiting: readonly WaitingJob[];
  readonly running: readonly RunningJob[];
  /** Of all workers that are there. */
  readonly places: readonly PlaceKind[];
  readonly workers: number;
  /** How much of the time each person has had, and the turn of whoever was begun last. */
  readonly used: ReadonlyMap<string, number>;
  readonly clock: number;
}

export interface WaitingJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly groupId: string;
  readonly priority: number;
  readonly lane: JobLane;
  readonly modelKey: string | null;
  readonly queuedAt: Date;
  /** How long it will take; null where nothing tells. */
  readonly seconds: number | null;
}

export interface RunningJob extends Omit<WaitingJob, "queuedAt"> {
  /** How long it has been running. */
  readonly ran: number;
}

/** When a job begins. */
export interface Start {
  /** How many are begun before it. */
  readonly ahead: number;
  /** In how many seconds. Null where something before it takes nobody knows how long, or nobody works. */
  readonly seconds: number | null;
}

interface Spot {
  readonly kind: PlaceKind;
  at: number;
  isKnown: boolean;
  /** The long work that makes room here for what is short. */
  host: { left: number; priority: number; lane: JobLane; groupId: string; ran: number; gave: number } | null;
}

/** Nothing tells how long it takes: for the order alone. */
const UNKNOWN_SECONDS = 60;

/** Goes through what the workers will do from now on if nothing else comes, by the rules by which they choose, and says when each job begins. */
export function foresee(picture: Picture): Map<string, Start> {
  const spots = spotsOf(picture);
  const lines = Map.groupBy(picture.waiting, ({ groupId }) => groupId);
  for (const line of lines.values()) line.sort(inLine);
  const used = new Map(picture.used);
  let clock = picture.clock;
  const turnOf = (groupId: string): number => Math.max(used.get(groupId) ?? 0, clock);
  const starts = new Map<string, Start>();

  while (starts.size < picture.waiting.length) {
    const spot = spots.reduce((first, one) => (one.at < first.at ? one : first));
    if (spot.at === Infinity) break;
    const heads = [...lines].flatMap(([groupId, line]) => {
      const head = line.find((job) => takes(spot.kind, job));
      return head ? [{ ...head, work: 1, turn: turnOf(groupId), used: used.get(groupId) ?? 0 }] : [];
    });
    const { host } = spot;
    const fit = host
      ? heads.filter((head) =>
          makesRoom(
            {
              ...host,
              resource: picture.resource,
              turn: turnOf(host.groupId),
              ran: Math.max(host.ran, leastRun(host)),
            },
            head,
          ),
        )
      : heads;
    const next = whoIsNext(fit);
    if (!next) {
      if (host) [spot.at, spot.host] = [spot.at + host.left, null];
      else spot.at = Infinity;
      continue;
    }
    starts.set(next.id, {
      ahead: starts.size,
      seconds: spot.isKnown && picture.workers > 0 ? Math.round(spot.at) : null,
    });
    const line = lines.get(next.groupId)!;
    line.splice(
      line.findIndex(({ id }) => id === next.id),
      1,
    );
    const takesSeconds = next.seconds ?? UNKNOWN_SECONDS;
    clock = Math.max(clock, next.turn);
    used.set(next.groupId, next.turn + takesSeconds);
    begin(spot, next, takesSeconds, picture.resource);
  }
  return starts;
}

const inLine = (a: WaitingJob, b: WaitingJob): number =>
  b.priority - a.priority ||
  lanes.indexOf(a.lane) - lanes.indexOf(b.lane) ||
  a.queuedAt.getTime() - b.queuedAt.getTime();

function begin(spot: Spot, job: WaitingJob, takesSeconds: number, resource: JobResource): void {
  if (job.seconds === null) spot.isKnown = false;
  if (spot.host) {
    const { host } = spot;
    host.gave = takesSeconds;
    const slice = Math.min(host.left, leastRun(host)); // its share, before it makes room again
    spot.at += takesSeconds + slice;
    host.left -= slice;
    host.ran = slice;
    if (host.left <= 0) spot.host = null;
  } else if (resource === "compute" && job.lane !== "seconds") {
    const { lane, priority, groupId } = job;
    spot.host = { left: takesSeconds, lane, priority, groupId, ran: 0, gave: 0 };
    // Whoever is next after it waits for a slice at most, where it is as long; what is shorter goes in between at once.
    const slice = Math.min(takesSeconds, SLICE_SECONDS);
    spot.host.ran = slice;
  } else spot.at += takesSeconds;
}

/** Long work stands in places that take it, short work in those that are kept for it first. */
function spotsOf({ places, running, workers }: Picture): Spot[] {
  const kinds: readonly PlaceKind[] =
    workers > 0 ? places : [{ resource: "compute", lanes: ["seconds", "minutes", "hours"], least: 0 }];
  const spots: Spot[] = kinds.map((kind) => ({ kind, at: 0, isKnown: true, host: null }));
  const byLength = running.toSorted((a, b) => Number(a.lane === "seconds") - Number(b.lane === "seconds"));
  for (const job of byLength) {
    const free = spots.filter((spot) => spot.at === 0 && spot.host === null && takes(spot.kind, job));
    const spot = free.toSorted((a, b) => a.kind.lanes.length - b.kind.lanes.length)[0];
    const left = Math.max(0, (job.seconds ?? UNKNOWN_SECONDS) - job.ran);
    if (!spot) continue; // it has made room for another
    if (job.seconds === null) spot.isKnown = false;
    if (spot.kind.resource === "compute" && job.lane !== "seconds")
      spot.host = { left, lane: job.lane, priority: job.priority, groupId: job.groupId, ran: job.ran, gave: 0 };
    else spot.at = Math.max(left, 0.001);
  }
  return spots;
}
