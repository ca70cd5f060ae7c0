import type { Card } from "#lib/catalog/cards/schema.ts";
import type { StoredFacts } from "#lib/catalog/inspections/schema.ts";
import { triggersOfMetadata } from "#lib/inspection/trigger-words.ts";
import { triggersOfCard } from "./card-prompts.ts";

type Facts = Pick<StoredFacts, "lowRank" | "metadata" | "parts">;

/**
 * What somebody wrote down as bringing out a style: in the card, in the file of weights, or in a file beside it. Words
 * that were only counted among the captions may be anything, and are left out.
 */
export function declaredTriggers(card: Pick<Card, "frontMatter"> | null, facts: Facts | null): string[] {
  const metadata = facts ? [facts.metadata, ...facts.parts.map((part) => part.metadata)] : [];
  const found = [
    ...(facts?.lowRank?.triggers ?? []),
    ...metadata.flatMap((one) => triggersOfMetadata(new Map(Object.entries(one)))),
  ];
  const declared = found.filter((trigger) => trigger.declared).map(({ words }) => words);
  return [...new Set([...(card ? triggersOfCard(card) : []), ...declared])];
}
