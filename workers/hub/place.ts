import { setTimeout as sleep } from "node:timers/promises";
import { createBell } from "#lib/db/bell.ts";
import { log } from "#lib/log.ts";
import { type Candidate, claimNext } from "#lib/queue/claim.ts";
import type { Place } from "#lib/queue/choose.ts";
import { Given, type Host, makesRoom, makesWay, secondsLeft } from "#lib/queue/interrupt.ts";
import { AWAITED, isShorter } from "#lib/queue/jobs.ts";
import { type PlaceKind, takes } from "#lib/queue/places.ts";
import type { Budget, Granted } from "./budget.ts";
import type { Runner, Running } from "./runner.ts";

/** One place of a worker: does one job at a time, and lets others in between where that takes long. */
export interface OpenPlace {
  readonly kind: PlaceKind;
  readonly isFree: boolean;
  /** Takes nothing more. */
  close(): void;
}

export interface PlaceParts {
  readonly kind: PlaceKind;
  readonly workerId: string;
  readonly budget: Budget;
  readonly models: () => readonly string[];
  readonly runner: Pick<Runner, "begin">;
  /** All places of this worker: what one of them takes at once, another need not make room for. */
  readonly places: readonly OpenPlace[];
}

/** Whatever the database tells, a place looks so often, in milliseconds. */
const LOOK_EVERY = 500;
/** So long is what was told of left to a place that is free. */
const FOR_OTHERS = 300;
/** Jobs that have made room in one place at most, each with its networks in memory. */
const MOST_IN_ONE = 4;

/** What was told to end is waited for so long, in milliseconds: less than a job is kept for a worker that does not begin it. */
const ENDS_WITHIN = 5_000;

interface Seated {
  readonly job: Running;
  readonly memory: number | null;
  isOver: boolean;
  /** When it was begun; in milliseconds. */
  readonly began: number;
  readonly given: Given;
}

export function openPlace({ kind, workerId, budget, models, runner, places }: PlaceParts): OpenPlace {
  const seated: Seated[] = []; // the last one works; those before it have made room
  const closing = new AbortController();
  const bell = createBell(kind.resource);
  const asPlace = (): Place => {
    const memory = budget.all === null ? null : { all: budget.all, ...budget.left() };
    return { ...kind, workerId, memory, models: models() };
  };

  async function fill(): Promise<void> {
    const granted = await budget.give(() => claimNext(asPlace()));
    if (granted) seat(granted);
    else await bell.rung(LOOK_EVERY);
  }

  function seat({ claim, memory, giveBack }: Granted): void {
    const job = runner.begin(claim, memory);
    const one: Seated = { job, memory, isOver: false, began: performance.now(), given: new Given(claim.priority) };
    seated.push(one);
    void job.ended.then(() => {
      one.isOver = true;
      giveBack();
      bell.ring();
    });
  }

  /** What works goes on until it ends, or makes room. */
  async function tend(top: Seated): Promise<void> {
    await bell.rung(LOOK_EVERY);
    if (top.isOver || closing.signal.aborted || seated.length >= MOST_IN_ONE) return;
    await sleep(FOR_OTHERS);
    if (top.isOver || closing.signal.aborted) return;
    const isElsewhere = (head: Candidate): boolean =>
      places.some((place) => place.isFree && place.kind.resource === kind.resource && takes(place.kind, head));
    const host = hostOf(top);
    const isGuest = (head: Candidate, backlogs: ReadonlyMap<string, number>): boolean =>
      makesRoom({ ...host, backlog: backlogs.get(host.groupId) ?? 0 }, head);
    const granted = await budget.give(() =>
      claimNext(
        { ...asPlace(), least: Math.max(kind.least, AWAITED) },
        (head, backlogs) => isGuest(head, backlogs) && !isElsewhere(head),
      ),
    );
    if (!granted) return await makeWay((head, backlogs) => isShorter(head.lane, host.lane) && isGuest(head, backlogs));
    log().info({ event: "job.makes_room", subjectId: top.job.claim.subjectId, for: granted.claim.subjectId });
    top.job.pause.set(true);
    seat(granted);
  }

  /**
   * For short work that does not fit beside what rests here, or would: that gives its memory back, and is done again or goes on from its
   * checkpoint. First what rests already, and no more than has to.
   */
  async function makeWay(isGuest: (head: Candidate, backlogs: ReadonlyMap<string, number>) => boolean): Promise<void> {
    const { all } = budget;
    if (all === null || kind.resource !== "compute") return;
    const { now, besideLong } = budget.left();
    const mayGo = seated.filter(({ job: { claim } }) => makesWay(claim));
    const more = mayGo.reduce((sum, { memory }) => sum + (memory ?? 0), 0);
    if (more === 0) return;
    const room = { all, now: now + more, besideLong: besideLong + more };
    const granted = await budget.give(() =>
      claimNext(
        { ...asPlace(), least: Math.max(kind.least, AWAITED), memory: room },
        (head, backlogs) => head.needsBytes > besideLong && isGuest(head, backlogs),
      ),
    );
    if (!granted) return;
    const { subjectId, needsBytes } = granted.claim;
    let left = now;
    for (const { job, memory } of mayGo) {
      if (left >= (needsBytes ?? 0)) break;
      left += memory ?? 0;
      log().info({ event: "job.makes_way", subjectId: job.claim.subjectId, for: subjectId });
      await job.makeWay("It gave its memory to a picture that somebody waits for and that does not fit beside it.");
      await Promise.race([job.ended, sleep(ENDS_WITHIN)]);
    }
    seated.at(-1)?.job.pause.set(true);
    seat(granted);
  }

  /** The work that made room goes on. */
  function leave(ended: Seated): void {
    seated.splice(seated.indexOf(ended), 1);
    const top = seated.at(-1);
    if (!top || !top.job.pause.isOn) return;
    top.given.note(ended.job.claim.groupId, (performance.now() - ended.began) / 1000, top.job.worked.seconds);
    top.job.pause.set(false);
    bell.ring(); // another may be waiting for the same place
  }

  async function work(): Promise<void> {
    while (!closing.signal.aborted) {
      try {
        const over = seated.findLast(({ isOver }) => isOver);
        const top = seated.at(-1);
        if (over) leave(over);
        else if (top) await tend(top);
        else await fill();
      } catch (cause) {
        log().warn({ event: "place.error", err: cause }, (cause as Error).message); // a database that is away
        await sleep(LOOK_EVERY);
      }
    }
  }

  void work();
  return {
    kind,
    get isFree() {
      return seated.length === 0 && !closing.signal.aborted;
    },
    close() {
      closing.abort();
      bell.close();
    },
  };
}

/** What waits for its person is known when others are looked at. */
const hostOf = ({ job: { claim, worked }, given }: Seated): Omit<Host, "backlog"> => ({
  resource: claim.resource,
  lane: claim.lane,
  priority: claim.priority,
  groupId: claim.groupId,
  turn: claim.turn + Math.max(claim.counted, worked.seconds),
  left: secondsLeft(claim.counted, worked.seconds),
  slowness: Math.max(1, worked.seconds / claim.counted),
  owed: (groupId) => given.owed(groupId, worked.seconds),
});
