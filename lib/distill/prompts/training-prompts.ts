import { readFileSync } from "node:fs";
import { composeCaptions } from "#lib/measure/captions.ts";
import { lastLook } from "#lib/pairing/plan.ts";
import { MOST_HELD_OUT } from "./split-prompts.ts";
import { plainTrainingPrompts } from "./plain-training-prompts.ts";
import { trainingPictures, words } from "./starter-captions.ts";

export interface TrainingPrompts {
  readonly source: string;
  /** Each once. */
  readonly prompts: readonly string[];
}

/**
 * What a guide is distilled on where nobody says otherwise.
 *
 * @param walks  that each get a prompt of their own, as far as there are so many
 * @param style  that of the starter whose weights these are, for they know no other words; null for any other model
 */
export const usualPrompts = (style: string | null, walks: number): TrainingPrompts =>
  style === null
    ? { source: "plain things", prompts: plainTrainingPrompts(walks + MOST_HELD_OUT) }
    : { source: "scenes of the starter's training", prompts: starterTrainingPrompts(walks + MOST_HELD_OUT) };

/**
 * True captions of pictures that the starter's base was trained with, so that what nobody could train on stays so. None is one of those that
 * everybody may explore with.
 */
export function starterTrainingPrompts(count: number): string[] {
  const published = readFileSync(new URL("../../../starter/prompts.txt", import.meta.url), "utf8").split("\n");
  const explored = new Set([...published, ...composeCaptions(words, lastLook.prompts)]);
  const scenes = new Set<string>();
  for (const { scene } of trainingPictures()) {
    if (scenes.size === count) break;
    if (!explored.has(scene)) scenes.add(scene);
  }
  return [...scenes];
}
