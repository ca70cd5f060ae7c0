import { bootstrap } from "#lib/measure/bootstrap.ts";
import { quantile } from "#lib/util/quantile.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { progress } from "./progress.ts";

/** Milliseconds of every round, by what was timed. */
export type Times<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/** Times several things side by side. */
export function interleave<Name extends string>(
  subjects: Readonly<Record<Name, () => Promise<unknown>>>,
  rounds: number,
): Promise<Times<Name>> {
  const timed = Object.entries<() => Promise<unknown>>(subjects).map(([name, work]) => [
    name,
    async () => {
      const begin = performance.now();
      await work();
      return performance.now() - begin;
    },
  ]);
  return takeTurns(Object.fromEntries(timed) as Record<Name, () => Promise<number>>, rounds);
}

/**
 * Does several things side by side: each once a round, the order turned by one every round, so that a machine that slows down or
 * a cache that warms up favours none. One round before the first is not counted.
 */
export async function takeTurns<Name extends string, Result>(
  subjects: Readonly<Record<Name, () => Promise<Result>>>,
  rounds: number,
): Promise<Record<Name, Result[]>> {
  const names = Object.keys(subjects) as Name[];
  const results = Object.fromEntries(names.map((name) => [name, [] as Result[]])) as Record<Name, Result[]>;
  for (let round = -1; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + 1) % names.length]!;
      const result = await subjects[name]();
      if (round >= 0) results[name].push(result);
      progress(`round ${round + 1} of ${rounds}: ${name}`);
    }
  }
  progress("");
  return results;
}

export const median = (values: readonly number[]): number =>
  quantile(
    values.toSorted((a, b) => a - b),
    0.5,
  );

/** Median over rounds of a / b in the same round, with a bootstrap interval over rounds. */
export function ratio(a: readonly number[], b: readonly number[]): Estimate {
  const ratios = a.map((value, i) => value / b[i]!);
  return bootstrap(ratios.length, (indices) => median(indices.map((i) => ratios[i]!)));
}
