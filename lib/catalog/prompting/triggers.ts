import type { Card } from "#lib/catalog/cards/schema.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import { type Trigger, triggersOfMetadata, unique } from "#lib/inspection/trigger-words.ts";
import { triggersOfCard } from "./card-prompts.ts";

type Facts = Pick<StoredFacts, "lowRank" | "metadata" | "parts">;

/**
 * What brings out a style, each with what says so: first what somebody wrote down as that, in the card, in the file of
 * weights, or in a file beside it; then what was only counted among the captions, which may be anything.
 */
export function triggersOf(card: Pick<Card, "frontMatter"> | null, facts: Facts | null): Trigger[] {
  const metadata = facts ? [facts.metadata, ...facts.parts.map((part) => part.metadata)] : [];
  const found = [
    ...(card ? triggersOfCard(card) : []).map((words) => ({ words, from: "its card", declared: true })),
    ...(facts?.lowRank?.triggers ?? []),
    ...metadata.flatMap((one) => triggersOfMetadata(new Map(Object.entries(one)))),
  ];
  return unique(found.toSorted((a, b) => Number(b.declared) - Number(a.declared)));
}
