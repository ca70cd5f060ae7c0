import { database } from "#lib/db/client.ts";
import { watch as listen } from "#lib/db/listen.ts";
import { log } from "#lib/log.ts";
import { positionsOf } from "./position.ts";

/**
 * What people look at while it moves. PostgreSQL's word that something happened wakes whoever watches it; and since a word may be lost, and
 * the place in a queue moves without one, this process looks for all of them together: the same few questions however many watch.
 */
export interface Watched {
  /** Counts up when there may be something new. */
  readonly turn: number;
  /** Resolves when the turn is another than this, when the watch ends, or after so many milliseconds. */
  moved(turn: number, patience: number): Promise<void>;
  /** How everything is now, shared by all who ask as `who` in the same turn. */
  read<View>(who: string, read: () => Promise<View>): Promise<View>;
  /** Ends the watch. */
  close(): void;
}

/** Whatever the database tells, it is looked so often, in milliseconds. */
const LOOK_EVERY = 2_000;
/** So often everybody looks anew although nothing moved: they may not be let in any more. */
const ANEW_EVERY = 20_000;

interface Subject {
  turn: number;
  /** How it was when it was last looked at; null before that. */
  was: string | null;
  readonly rings: Set<() => void>;
  readonly reads: Map<string, { readonly turn: number; readonly view: Promise<unknown> }>;
  unwatch(): void;
}

// Next may load this module more than once in one process; the look must be one.
const shared = globalThis as {
  guidepostWatched?: { readonly subjects: Map<string, Subject>; timer: NodeJS.Timeout | null; anewAt: number };
};
const watch = (shared.guidepostWatched ??= { subjects: new Map(), timer: null, anewAt: 0 });
const { subjects } = watch;

/** How many different things are watched in this process. */
export const countWatched = (): number => subjects.size;

/** @param id of the row that work is done on */
export function watchSubject(id: string): Watched {
  const subject = subjects.get(id) ?? open(id);
  let wake = (): void => {};
  const ring = (): void => wake();
  subject.rings.add(ring);
  return {
    get turn() {
      return subject.turn;
    },
    async moved(turn, patience) {
      if (subject.turn !== turn || !subject.rings.has(ring)) return;
      const { promise, resolve } = Promise.withResolvers<void>();
      wake = resolve;
      const timer = setTimeout(resolve, patience);
      await promise;
      clearTimeout(timer);
    },
    read: <View>(who: string, read: () => Promise<View>) => {
      const known = subject.reads.get(who);
      if (known?.turn === subject.turn) return known.view as Promise<View>;
      const view = read();
      subject.reads.set(who, { turn: subject.turn, view });
      // What failed is asked again by whoever comes next, and who looks on says so.
      view.catch(() => subject.reads.delete(who));
      return view;
    },
    close() {
      wake();
      if (!subject.rings.delete(ring) || subject.rings.size > 0) return;
      subject.unwatch();
      subjects.delete(id);
    },
  };
}

function open(id: string): Subject {
  const subject: Subject = { turn: 0, was: null, rings: new Set(), reads: new Map(), unwatch: () => {} };
  subject.unwatch = listen(id, () => move(subject));
  subjects.set(id, subject);
  if (watch.timer === null) {
    watch.anewAt = performance.now() + ANEW_EVERY;
    watch.timer = setTimeout(look, LOOK_EVERY).unref();
  }
  return subject;
}

function move(subject: Subject): void {
  subject.turn++;
  for (const ring of subject.rings) ring();
}

async function look(): Promise<void> {
  try {
    const isAnew = performance.now() >= watch.anewAt;
    if (isAnew) watch.anewAt = performance.now() + ANEW_EVERY;
    const now = await howAre([...subjects.keys()]);
    for (const [id, subject] of subjects) {
      const is = now.get(id) ?? "gone";
      const hasMoved = subject.was !== is; // what is looked at for the first time may have moved since it was read
      subject.was = is;
      if (hasMoved || isAnew) move(subject);
    }
  } catch (cause) {
    log().warn({ event: "watched.error", err: cause }, (cause as Error).message); // a database that is away
  } finally {
    watch.timer = subjects.size > 0 ? setTimeout(look, LOOK_EVERY).unref() : null;
  }
}

/** Of each of some subjects a text that is another one whenever something about it is. */
async function howAre(ids: readonly string[]): Promise<Map<string, string>> {
  if (ids.length === 0) return new Map();
  const [rows, positions] = await Promise.all([
    database().$queryRaw<{ id: string; is: string }[]>`
      SELECT id, string_agg(version, ' ' ORDER BY version) AS is FROM (
        SELECT id, 'preview ' || xmin AS version FROM preview WHERE id = ANY (${ids}::uuid[])
        UNION ALL SELECT id, 'pair ' || xmin FROM pair WHERE id = ANY (${ids}::uuid[])
        UNION ALL SELECT id, 'distillation ' || xmin FROM distillation WHERE id = ANY (${ids}::uuid[])
        UNION ALL SELECT subject_id, kind || ' ' || xmin FROM job WHERE subject_id = ANY (${ids}::uuid[])
        UNION ALL SELECT subject_id, 'progress ' || xmin FROM job_progress WHERE subject_id = ANY (${ids}::uuid[])) versions
      GROUP BY id`,
    positionsOf(ids),
  ]);
  return new Map(
    rows.map(({ id, is }) => {
      const { seconds = null, ...place } = positions.get(id) ?? {};
      return [id, JSON.stringify([is, place, about(seconds)])];
    }),
  );
}

/** A wait is told as “about”, so it has not changed before it has by a tenth. */
const about = (seconds: number | null): number | null =>
  seconds === null ? null : Math.round(10 * Math.log(Math.max(1, seconds)));
