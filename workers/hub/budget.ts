import type { Claim } from "#lib/queue/claim.ts";
import type { JobLane } from "#lib/queue/jobs.ts";

/** What the networks of one worker may take of memory together, and who has how much of it. All in bytes. */
export interface Budget {
  /** Null: nothing limits it. */
  readonly all: number | null;
  /** What nobody has, and what nobody would have once all short work had ended. */
  left(): { readonly now: number; readonly besideLong: number };
  /** One claim after the other: two at once would both take what is left. @returns what `claim` gives, with its share */
  give(claim: () => Promise<Claim | null>): Promise<Granted | null>;
}

export interface Granted {
  readonly claim: Claim;
  /** What its processes may take; null where nothing limits it. */
  readonly memory: number | null;
  /** When nothing of it runs any more. */
  giveBack(): void;
}

/** What a job is given of which nobody has said what it needs: of a model that was inspected by an older version. It says so itself where that is too little. */
const UNKNOWN_BYTES = 2e9;

export function createBudget(all: number | null): Budget {
  const given = new Map<object, { readonly bytes: number; readonly lane: JobLane }>();
  let last: Promise<unknown> = Promise.resolve();

  const without = (isCounted: (lane: JobLane) => boolean): number =>
    [...given.values()].reduce((left, { bytes, lane }) => left - (isCounted(lane) ? bytes : 0), all ?? Infinity);
  const left: Budget["left"] = () => ({
    now: Math.max(
      0,
      without(() => true),
    ),
    besideLong: Math.max(
      0,
      without((lane) => lane !== "seconds"),
    ),
  });

  const grant = (claim: Claim): Granted => {
    if (claim.resource === "files" || all === null) return { claim, memory: all, giveBack: () => {} };
    const bytes = claim.needsBytes ?? Math.max(1, Math.min(UNKNOWN_BYTES, left().now));
    const key = {};
    given.set(key, { bytes, lane: claim.lane });
    return { claim, memory: bytes, giveBack: () => void given.delete(key) };
  };

  return {
    all,
    left,
    give(claim) {
      const next = last.then(claim).then((one) => one && grant(one));
      last = next.catch(() => {});
      return next;
    },
  };
}
