import { bootstrap, quantile } from "#lib/measure/bootstrap.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { progress } from "./progress.ts";

/** Milliseconds of every round, by what was timed. */
export type Times<Name extends string> = Readonly<Record<Name, readonly number[]>>;

/**
 * Times several things side by side: each once a round, the order turned by one every round, so that a machine that slows
 * down or a cache that warms up favours none. One round before the first is not counted.
 */
export async function interleave<Name extends string>(subjects: Readonly<Record<Name, () => Promise<unknown>>>, rounds: number): Promise<Times<Name>> {
  const names = Object.keys(subjects) as Name[];
  const times = Object.fromEntries(names.map((name) => [name, [] as number[]])) as Record<Name, number[]>;
  for (let round = -1; round < rounds; round++) {
    for (let i = 0; i < names.length; i++) {
      const name = names[(i + round + 1) % names.length]!;
      const begin = performance.now();
      await subjects[name]();
      if (round >= 0) times[name].push(performance.now() - begin);
      progress(`round ${round + 1} of ${rounds}: ${name}`);
    }
  }
  progress("");
  return times;
}

export const median = (values: readonly number[]): number => quantile(values.toSorted((a, b) => a - b), 0.5);

/** Median over rounds of a / b in the same round, with a bootstrap interval over rounds. */
export function ratio(a: readonly number[], b: readonly number[]): Estimate {
  const ratios = a.map((value, i) => value / b[i]!);
  return bootstrap(ratios.length, (indices) => median(indices.map((i) => ratios[i]!)));
}
