import { composeCaption, composeCaptions, TRIES_FOR_EACH } from "../captions.ts";
import type { Vocabulary } from "../evaluator-network.ts";
import { lastLook } from "#lib/pairing/plan.ts";
import { keyedRandom } from "./keyed-random.ts";
import { wasTrainedOn } from "./trained-words.ts";
import { combinationOf } from "./word-hashes.ts";

/**
 * `count` different captions of two things each, whose words stand together in no training caption and in none that everybody may explore
 * with, whatever the background; fewer where the words do not suffice. The key decides which, and a longer list begins with the shorter.
 */
export function unseenCaptions(vocabulary: Vocabulary, count: number, key: string): string[] {
  const { backgrounds, kinds, colors, sizes } = vocabulary;
  const random = keyedRandom(key);
  const pick = (list: readonly string[]): number => Math.floor(random() * list.length);
  const thing = () => ({ kind: pick(kinds), color: pick(colors), size: pick(sizes) });
  const explored = new Set(
    composeCaptions(vocabulary, lastLook.prompts).map((caption) => combinationOf(caption, backgrounds)),
  );
  const captions = new Set<string>();
  for (let tries = 0; captions.size < count && tries < TRIES_FOR_EACH * count; tries++) {
    const things = [thing(), thing()];
    const caption = composeCaption({ background: pick(backgrounds), things }, vocabulary);
    const isOneKindTwice = things[0]!.kind === things[1]!.kind;
    if (isOneKindTwice || explored.has(combinationOf(caption, backgrounds)) || wasTrainedOn(caption, backgrounds))
      continue;
    captions.add(caption);
  }
  return [...captions];
}
