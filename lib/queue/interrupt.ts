import { standing, type Turn } from "./backlog.ts";
import { AWAITED, isShorter, type JobLane, type JobResource } from "./jobs.ts";

/** Something that runs, as far as it matters for whether it makes room. Its turn is its person's with all that has been counted for it. */
export interface Host extends Turn {
  readonly resource: JobResource;
  readonly groupId: string;
  /** Seconds until it has ended, about. */
  readonly left: number;
  /** So many times as long as was thought it takes, at least 1: so will a guest on the same machine. */
  readonly slowness: number;
  /** Seconds that it works before it makes room for this person again. */
  readonly owed: (groupId: string) => number;
}

export interface Guest extends Turn {
  readonly groupId: string;
  /** How long it takes, about. */
  readonly seconds: number;
}

/** Short work goes in between though its person stands so much later, in seconds of work: they flood, from there on. */
const SHORT_LEAD_SECONDS = 120;

/**
 * Whether work makes room between two steps for work that somebody waits for. At once for another person's who would stand before even
 * after it: they wait for one step. Otherwise for what is of a shorter lane, unless that person floods, and within a lane for another
 * person's who stands before, where that ends before this would: so who comes waits at most as long again as alone. For one person it
 * makes room again only after it has had as much time as it gave them, so however much they ask for, it gets its half.
 */
export function makesRoom(host: Host, guest: Guest): boolean {
  if (host.resource !== "compute" || guest.priority < AWAITED || isShorter(host.lane, guest.lane)) return false;
  const isOwed = host.owed(guest.groupId) > 0;
  if (host.priority < AWAITED) return !isOwed;
  const isShort = isShorter(guest.lane, host.lane);
  if (guest.groupId === host.groupId) return isShort && !isOwed;
  const lead = host.turn + host.backlog - standing(guest);
  const seconds = guest.seconds * host.slowness;
  if (seconds <= lead) return true;
  return !isOwed && (isShort ? lead > -SHORT_LEAD_SECONDS : lead > 0 && seconds < host.left);
}

/** So often is work done again from its beginning for what does not fit beside it; then that waits for its end. */
const MOST_BEGINNINGS = 2;

/** Whether work gives its memory back for what does not fit beside it. What has a checkpoint loses little by it. */
export const makesWay = ({
  lane,
  attempt,
  checkpointKey,
}: {
  readonly lane: JobLane;
  readonly attempt: number;
  readonly checkpointKey: string | null;
}): boolean => lane !== "seconds" && (attempt <= MOST_BEGINNINGS || checkpointKey !== null);

/** What has taken longer than was thought may well take as long again. */
export const secondsLeft = (expected: number, worked: number): number =>
  expected > worked ? expected - worked : worked;

/** What nobody waits for gets so much of the time that it gave; what somebody waits for as much again. */
const BACKGROUND_SHARE = 0.1;

/** For whom something has made room, and how long: what it gets back. */
export class Given {
  readonly #share: number;
  readonly #last = new Map<string, { readonly seconds: number; readonly at: number }>();

  constructor(priority: number) {
    this.#share = priority >= AWAITED ? 1 : BACKGROUND_SHARE;
  }

  /** @param worked how long the host had worked by then, in seconds as all here */
  note(groupId: string, seconds: number, worked: number): void {
    this.#last.set(groupId, { seconds, at: worked });
  }

  owed(groupId: string, worked: number): number {
    const last = this.#last.get(groupId);
    return last ? Math.max(0, this.#share * last.seconds - (worked - last.at)) : 0;
  }
}
