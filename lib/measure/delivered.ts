import { mean } from "#lib/pairing/recovery.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import { bootstrap } from "./bootstrap.ts";

/** How well CFG's pictures keep to each prompt at one guidance; at 1 there is none. */
export interface KeptAt {
  readonly guidanceScale: number;
  readonly kept: readonly number[];
}

/**
 * The guidance w′ that a guide delivers, with its bootstrap over prompts: the least at which CFG keeps as much, read between those that
 * were drawn as on straight lines. More guidance does not always keep more, so the first crossing counts and no shape is fitted. Where
 * CFG keeps less everywhere, it is the strongest that was drawn, or more.
 *
 * @param cfg the weakest first, no guidance before all
 * @returns null where CFG keeps no more at any guidance than pictures without it
 */
export function deliveredGuidance(
  cfg: readonly KeptAt[],
  guide: readonly number[],
): { readonly guidanceScale: Estimate; readonly isBeyond: boolean } | null {
  const strongest = cfg.at(-1)!.guidanceScale;
  const everybody = guide.map((_, i) => i);
  const curveOf = (indices: readonly number[]) =>
    cfg.map(({ guidanceScale, kept }) => ({ x: guidanceScale, y: meanOf(kept, indices) }));
  const [none, ...rest] = curveOf(everybody);
  if (!rest.some(({ y }) => y > none!.y)) return null;
  const crossing = (indices: readonly number[]): number | null =>
    firstCrossing(curveOf(indices), meanOf(guide, indices));
  return {
    guidanceScale: bootstrap(guide.length, (indices) => crossing(indices) ?? strongest),
    isBeyond: crossing(everybody) === null,
  };
}

const meanOf = (values: readonly number[], indices: readonly number[]): number => mean(indices.map((i) => values[i]!));

/** Where a line through points, from left to right, first reaches a height; null where it nowhere does. */
function firstCrossing(points: readonly { readonly x: number; readonly y: number }[], height: number): number | null {
  for (const [i, { x, y }] of points.entries()) {
    if (y < height) continue;
    const before = points[i - 1];
    return before ? before.x + ((height - before.y) / (y - before.y)) * (x - before.x) : x;
  }
  return null;
}
