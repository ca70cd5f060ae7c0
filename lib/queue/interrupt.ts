import { AWAITED, isShorter, type JobLane, type JobResource } from "./jobs.ts";

/** Something that runs, as far as it matters for whether it makes room. */
export interface Host {
  readonly resource: JobResource;
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  /** Of its person, with all that has been counted for it. */
  readonly turn: number;
  /** Seconds until it has ended, about. */
  readonly left: number;
  /** So many times as long as was thought it takes, at least 1: so will a guest on the same machine. */
  readonly slowness: number;
  /** Seconds that it works before it makes room for this person again. */
  readonly owed: (groupId: string) => number;
}

export interface Guest {
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  readonly turn: number;
  /** How long it takes, about. */
  readonly seconds: number;
}

/**
 * Whether work makes room between two steps for work that somebody waits for: at once for what is of a shorter lane; within a lane
 * for another person's who has had less, where that ends before this would. So who comes waits at most as long again as alone. For
 * one person it makes room again only after it has had as much time as it gave them, so however much they ask for, it gets its half.
 */
export function makesRoom(host: Host, guest: Guest): boolean {
  if (host.resource !== "compute" || guest.priority < AWAITED || host.owed(guest.groupId) > 0) return false;
  if (isShorter(guest.lane, host.lane)) return true;
  if (isShorter(host.lane, guest.lane)) return false;
  return (
    host.priority < AWAITED ||
    (guest.groupId !== host.groupId && guest.turn < host.turn && guest.seconds * host.slowness < host.left)
  );
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
const BACKGROUND_SHARE = 0.25;

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
