import type { Actor } from "#lib/auth/actor.ts";
import type { PairItem, PairView } from "#lib/catalog/pairs/schema.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { ifThere } from "../../_page/shown.ts";

const MOST = 20;

/** Other measurements of the same two repos, newest first: of other weights, or with another number of prompts. */
export async function othersOf(actor: Actor, { id, finetune, guide }: PairView): Promise<readonly PairItem[]> {
  const page = await ifThere(listPairs(actor, { finetune: finetune.repo, guide: guide.repo, limit: MOST }));
  return page?.items.filter((item) => item.id !== id) ?? [];
}

/** Of those the one that says more of today than this: what is not stale where this is, or rests on more prompts. */
export function betterOf(pair: Pick<PairView, "stale" | "n">, others: readonly PairItem[]): PairItem | null {
  const [best] = others
    .filter(({ state, stale }) => state === "succeeded" && stale === null)
    .toSorted((a, b) => (b.n ?? 0) - (a.n ?? 0));
  return best && (pair.stale !== null || (best.n ?? 0) > (pair.n ?? 0)) ? best : null;
}
