import type { PairView } from "#lib/catalog/pairs/schema.ts";

const MOST_PICTURES = 960;

/** With how many prompts the button measures: as the hub does by itself where nothing holds, else with twice as many; null where more would tell nothing. */
export function picturesToAsk({
  state,
  stale,
  pictures,
  measured,
}: Pick<PairView, "state" | "stale" | "pictures" | "measured">): "as usual" | number | null {
  if (stale !== null || state !== "succeeded") return "as usual";
  if (measured?.fidelity == null || pictures >= MOST_PICTURES) return null;
  return Math.min(MOST_PICTURES, 2 * pictures);
}
