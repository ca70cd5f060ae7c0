import type { Recipe } from "../recipe.ts";

/** Some walks side by side. All are of as many steps; pieces take turns at how many that is, so that other timesteps come. */
export interface Walks {
  readonly piece: number;
  /** The first of them, counted through all pieces, and how many they are. */
  readonly first: number;
  readonly count: number;
  readonly steps: number;
  /** States of each: one for each step, and those that are noised. */
  readonly states: number;
}

export function walksOf({ trajectories, steps, noised, rows }: Recipe["teacher"]): Walks[] {
  const pieces = Math.ceil(trajectories / rows);
  return Array.from({ length: pieces }, (_, piece) => {
    const first = piece * rows;
    const own = steps[piece % steps.length]!;
    return { piece, first, count: Math.min(rows, trajectories - first), steps: own, states: own + noised };
  });
}

export const statesIn = ({ count, states }: Walks): number => count * states;

/** Where the nth of all states lies. */
export function placeFinder(walks: readonly Walks[]): (state: number) => { piece: number; state: number } {
  let total = 0;
  const begins = walks.map((one) => {
    const begin = total;
    total += statesIn(one);
    return begin;
  });
  return (state) => {
    let [low, high] = [0, begins.length - 1];
    while (low < high) {
      const middle = Math.ceil((low + high) / 2);
      if (begins[middle]! <= state) low = middle;
      else high = middle - 1;
    }
    return { piece: walks[low]!.piece, state: state - begins[low]! };
  };
}
