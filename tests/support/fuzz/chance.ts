import { mulberry32 } from "#lib/util/mulberry32.ts";

/** Choices that come out the same for the same seed. */
export interface Chance {
  /** A whole number from 0 on, below `count`. */
  below(count: number): number;
  of<T>(values: readonly T[]): T;
  /** True in so many of a hundred. */
  percent(share: number): boolean;
}

export function chance(seed: number): Chance {
  const next = mulberry32(seed);
  const below = (count: number): number => Math.floor(next() * count);
  return { below, of: (values) => values[below(values.length)]!, percent: (share) => next() * 100 < share };
}
