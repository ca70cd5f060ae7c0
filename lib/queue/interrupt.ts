import { AWAITED, isShorter, type JobLane, type JobResource } from "./jobs.ts";

/** Something that runs, as far as it matters for whether it makes room. */
export interface Host {
  readonly resource: JobResource;
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  /** Of its person, with all that has been counted for it. */
  readonly turn: number;
  /** Seconds since it was begun, or went on after it had made room. */
  readonly ran: number;
  /** Seconds for which it made room the last time; 0 where it has not. */
  readonly gave: number;
}

export interface Guest {
  readonly lane: JobLane;
  readonly priority: number;
  readonly groupId: string;
  readonly turn: number;
}

/** So long does work of the same length run before it makes room for another person's. */
export const SLICE_SECONDS = 30;

/** What nobody waits for gets so much of the time that it gave; what somebody waits for as much again. */
const BACKGROUND_SHARE = 0.25;

/** How long a host runs at least before it makes room again. */
export const leastRun = ({ priority, gave }: Pick<Host, "priority" | "gave">): number =>
  priority >= AWAITED ? gave : gave * BACKGROUND_SHARE;

/**
 * Whether long work makes room between two steps for work that somebody waits for: at once for shorter work, unless it has just made
 * room and not had its share since; after a while for work of another person who has had less.
 */
export function makesRoom(host: Host, guest: Guest): boolean {
  if (host.resource !== "compute" || host.lane === "seconds" || guest.priority < AWAITED) return false;
  if (host.ran < leastRun(host)) return false;
  if (isShorter(guest.lane, host.lane)) return true;
  if (isShorter(host.lane, guest.lane)) return false;
  return (
    host.priority < AWAITED || (guest.groupId !== host.groupId && guest.turn < host.turn && host.ran >= SLICE_SECONDS)
  );
}
