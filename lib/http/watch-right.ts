import { requireStillReads } from "#lib/auth/reading.ts";
import { failures } from "#lib/errors.ts";
import { toAppError } from "./failure.ts";

/** What begins is allowed; what lasts is asked about again, so that it ends within a minute of when it is not. */
const LOOK_EVERY_MS = 20_000;

/** A right that somebody reads by. */
export interface Right {
  /** Rights with the same name are asked about once for all that is read by them. */
  readonly name: string;
  /** Fails where the right is no more. A failure that may pass says nothing: while the database is away nobody knows better. */
  require(): Promise<unknown>;
}

/** To read as a signed address says. */
export const rightToRead = (reading: string): Right => ({ name: reading, require: () => requireStillReads(reading) });

interface Watched extends Right {
  readonly ends: Set<() => void>;
}

// Next may load this module more than once in one process; the look must be one.
const shared = globalThis as { guidepostRights?: { readonly all: Map<string, Watched>; timer: NodeJS.Timeout | null } };
const watched = (shared.guidepostRights ??= { all: new Map(), timer: null });

/** @param end called once, when the right is lost @returns what ends the watch */
export function watchRight(right: Right, end: () => void): () => void {
  const one = watched.all.get(right.name) ?? { ...right, ends: new Set() };
  watched.all.set(right.name, one);
  one.ends.add(end);
  watched.timer ??= setTimeout(lookAgain, LOOK_EVERY_MS).unref();
  return () => {
    one.ends.delete(end);
    if (one.ends.size === 0 && watched.all.get(right.name) === one) watched.all.delete(right.name);
  };
}

/** How many rights are read by at this moment. */
export const countRights = (): number => watched.all.size;

/** One look, a right after the other: however many read, the database is asked one thing at a time. */
export async function lookAtRights(): Promise<void> {
  for (const right of watched.all.values()) if (await isLost(right)) for (const end of right.ends) end();
}

async function lookAgain(): Promise<void> {
  await lookAtRights();
  watched.timer = watched.all.size > 0 ? setTimeout(lookAgain, LOOK_EVERY_MS).unref() : null;
}

async function isLost(right: Right): Promise<boolean> {
  try {
    await right.require();
    return false;
  } catch (cause) {
    const { code } = toAppError(cause);
    return !failures[code].temporary && code !== "internal";
  }
}
