import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { askQueue } from "./boss.ts";
import type { JobKind } from "./jobs.ts";

/** How many of the last jobs that went well tell how long the next takes. */
const RECENT = 20;

/** Before the first has been done; turns need some number. Of one unit of work each. */
const guesses: Readonly<Record<JobKind, number>> = {
  hash: 1 / 100e6,
  inspect: 5,
  check: 4,
  preview: 1,
  curve: 25,
  envelope: 4,
  distill: 30, // 33·10⁹ multiply–accumulates a second
};

/** Seconds that one unit of work takes, of some kinds and models: the middle of what the last took. */
export interface Rates {
  /** Null where nothing of the kind has been done yet. */
  of(kind: JobKind, modelKey?: string | null): number | null;
  /** The same, with a guess instead of null. */
  guess(kind: JobKind, modelKey?: string | null): number;
}

/** @param modelKeys for which models besides it is asked how long theirs took */
export async function ratesFor(modelKeys: readonly string[] = [], client: Transaction = database()): Promise<Rates> {
  const rows = await client.$queryRaw<{ kind: JobKind; modelKey: string | null; rate: number | null }[]>`
    SELECT k.kind, NULL AS "modelKey", (
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FROM (
        SELECT rate FROM job WHERE kind = k.kind AND rate IS NOT NULL ORDER BY rated_at DESC LIMIT ${RECENT}) lately) AS rate
    FROM unnest(enum_range(NULL::job_kind)) k(kind)
    UNION ALL
    SELECT k.kind, m.key, (
      SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate) FROM (
        SELECT rate FROM job WHERE model_key = m.key AND kind = k.kind AND rate IS NOT NULL ORDER BY rated_at DESC LIMIT ${RECENT}) lately)
    FROM unnest(${[...new Set(modelKeys)]}::text[]) m(key), unnest(ARRAY['check', 'preview', 'curve', 'envelope']::job_kind[]) k(kind)`;
  const known = new Map(
    rows.flatMap(({ kind, modelKey, rate }) => (rate === null ? [] : [[keyOf(kind, modelKey), rate]])),
  );
  const of: Rates["of"] = (kind, modelKey = null) =>
    known.get(keyOf(kind, modelKey)) ?? known.get(keyOf(kind, null)) ?? null;
  return { of, guess: (kind, modelKey) => of(kind, modelKey) ?? guesses[kind] };
}

const keyOf = (kind: JobKind, modelKey: string | null): string => `${kind} ${modelKey ?? ""}`;

/** How long a job of this kind takes, in seconds: the middle one of the last that went well. Null before the first. */
export async function secondsFor(kind: JobKind): Promise<number | null> {
  const [row] = await askQueue<{ seconds: number | null }>(
    `SELECT percentile_cont(0.5) WITHIN GROUP (ORDER BY rate * work) AS seconds FROM (
       SELECT rate, work FROM job WHERE kind = $1 AND rate IS NOT NULL ORDER BY rated_at DESC LIMIT $2) lately`,
    [kind, RECENT],
  );
  return row?.seconds ?? null;
}
