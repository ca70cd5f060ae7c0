import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";

/** What the button does; null where there is nothing to do, for asking again draws no other prompts. */
export function labelOf({ state, stale, measured }: Pick<PairView, "state" | "stale" | "measured">): string | null {
  if (isUnfinished({ state })) return null;
  if (stale === null && measured !== null && (state === "succeeded" || measured.next !== null))
    return measured.next === null ? null : `Go on to ${measured.next} prompts`;
  return "Measure again";
}
