import { backlogOf } from "./backlog.ts";
import { whoIsNext } from "./choose.ts";
import { Given, type Host, makesRoom, secondsLeft } from "./interrupt.ts";
import { HUB_GROUP, type JobKind, type JobLane, type JobResource, lanes } from "./jobs.ts";
import { type PlaceKind, takes } from "./places.ts";
import type { Need } from "./room.ts";

/** All that waits for one resource and runs on it, as it is known at one moment. */
export interface Picture {
  readonly resource: JobResource;
  readonly waiting: readonly WaitingJob[];
  readonly running: readonly RunningJob[];
  /** Of all workers that are there. */
  readonly places: readonly SeenPlace[];
  readonly workers: number;
  /** How much of the time each person has had, and the turn of whoever was begun last. */
  readonly used: ReadonlyMap<string, number>;
  readonly clock: number;
}

/** `memory`: of its worker, in bytes; null where nothing limits it. */
export type SeenPlace = PlaceKind & { readonly memory: number | null };

export interface WaitingJob {
  readonly id: string;
  readonly kind: JobKind;
  readonly subjectId: string;
  readonly groupId: string;
  readonly priority: number;
  readonly lane: JobLane;
  readonly modelKey: string | null;
  readonly need: Need | null;
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
  readonly kind: SeenPlace;
  at: number;
  /** Whose work is done until then. */
  groupId: string | null;
  isKnown: boolean;
  /** What works here, and may make room. */
  host: SpotHost | null;
}

interface SpotHost {
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  readonly given: Given;
  left: number;
  worked: number;
  /** Whether anything tells how much is left of it: who waits until it ends waits for nobody knows how long. */
  readonly isKnown: boolean;
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
      if (spot.kind.forOthers && isAtWork(groupId, spot, spots)) return [];
      const head = line.find((job) => takes(spot.kind, job) && fits(spot.kind, job));
      return head
        ? [
            {
              ...head,
              work: 1,
              needsBytes: head.need?.bytes ?? 0,
              turn: turnOf(groupId),
              used: used.get(groupId) ?? 0,
              backlog: backlogOf(line),
              takes: head.seconds ?? UNKNOWN_SECONDS,
            },
          ]
        : [];
    });
    const { host } = spot;
    let fit = heads;
    if (host) {
      const asHost = {
        ...host,
        resource: picture.resource,
        turn: turnOf(host.groupId),
        backlog: backlogOf(lines.get(host.groupId) ?? []),
        slowness: 1,
      };
      const owed = (groupId: string): number => {
        const left = host.given.owed(groupId, host.worked);
        return left < MOMENT ? 0 : left;
      };
      const isWilling = (head: (typeof heads)[number], owes: Host["owed"]): boolean =>
        makesRoom({ ...asHost, owed: owes }, { ...head, seconds: head.takes });
      fit = heads.filter((head) => isWilling(head, owed));
      if (fit.length === 0) {
        const later = heads.filter((head) => isWilling(head, () => 0));
        workOn(spot, host, Math.min(...later.map(({ groupId }) => owed(groupId))));
        continue;
      }
    }
    const next = whoIsNext(fit);
    if (!next) {
      spot.at = Infinity;
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
    clock = Math.max(clock, next.turn);
    used.set(next.groupId, next.turn + next.takes);
    begin(spot, next, next.takes, picture.resource);
  }
  return starts;
}

const isAtWork = (groupId: string, spot: Spot, spots: readonly Spot[]): boolean =>
  groupId !== HUB_GROUP && spots.some((other) => other.at > spot.at && other.groupId === groupId);

const fits = ({ memory }: SeenPlace, { need }: WaitingJob): boolean =>
  need === null || memory === null || need.bytes <= memory;

const inLine = (a: WaitingJob, b: WaitingJob): number =>
  b.priority - a.priority ||
  lanes.indexOf(a.lane) - lanes.indexOf(b.lane) ||
  a.queuedAt.getTime() - b.queuedAt.getTime();

/** Shorter than anything takes. */
const MOMENT = 1e-6;

/** The host goes on for so many seconds, or to its end. */
function workOn(spot: Spot, host: SpotHost, seconds: number): void {
  const slice = Math.min(seconds, host.left);
  spot.at += slice;
  host.left -= slice;
  host.worked += slice;
  if (host.left >= MOMENT) return;
  spot.host = null;
  spot.isKnown &&= host.isKnown;
}

function begin(spot: Spot, job: WaitingJob, seconds: number, resource: JobResource): void {
  spot.groupId = job.groupId;
  if (resource === "compute" && !spot.host) spot.host = hostOf(job, seconds, 0);
  else {
    spot.isKnown &&= job.seconds !== null;
    spot.at += seconds;
    spot.host?.given.note(job.groupId, seconds, spot.host.worked);
  }
}

const hostOf = (
  { lane, priority, groupId, seconds }: Pick<WaitingJob, "lane" | "priority" | "groupId" | "seconds">,
  left: number,
  worked: number,
): SpotHost => ({
  lane,
  priority,
  groupId,
  given: new Given(priority),
  left,
  worked,
  isKnown: seconds !== null,
});

/** Long work stands in places that take it, short work in those that are kept for it first. */
function spotsOf({ places, running, workers }: Picture): Spot[] {
  const kinds: readonly SeenPlace[] = workers > 0 ? places : [{ resource: "compute", lanes, least: 0, memory: null }];
  const spots: Spot[] = kinds.map((kind) => ({ kind, at: 0, groupId: null, isKnown: true, host: null }));
  const byLength = running.toSorted((a, b) => Number(a.lane === "seconds") - Number(b.lane === "seconds"));
  for (const job of byLength) {
    const free = spots.filter((spot) => spot.at === 0 && spot.host === null && takes(spot.kind, job));
    const spot = free.toSorted((a, b) => a.kind.lanes.length - b.kind.lanes.length)[0];
    const left = Math.max(MOMENT, secondsLeft(job.seconds ?? UNKNOWN_SECONDS, job.ran));
    if (!spot) continue; // it has made room for another
    spot.groupId = job.groupId;
    if (spot.kind.resource === "compute") {
      spot.host = hostOf(job, left, job.ran);
      continue;
    }
    spot.isKnown = job.seconds !== null;
    spot.at = Math.max(left, MOMENT);
  }
  return spots;
}
