import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { splitPrompts } from "#lib/distill/prompts/split-prompts.ts";
import { words } from "#lib/distill/prompts/starter-captions.ts";
import { usualPrompts } from "#lib/distill/prompts/training-prompts.ts";
import { usualChoice } from "#lib/pairing/guide-choice.ts";
import { composeCaptions, parseCaption } from "#lib/measure/captions.ts";
import { plainPrompts } from "#lib/measure/prompts.ts";
import { wasTrainedOn } from "#lib/measure/unseen/trained-words.ts";
import { unseenCaptions } from "#lib/measure/unseen/unseen-captions.ts";
import { lastLook } from "#lib/pairing/plan.ts";

const lines = async (path: string): Promise<string[]> => (await readFile(path, "utf8")).trim().split("\n");

test("the starter's are in its words, as many as there are walks, and share no sentence with what pairs are measured on", async () => {
  const { prompts } = usualPrompts("storybook", usualChoice.trajectories);
  expect(new Set(prompts).size).toBe(usualChoice.trajectories + 16);
  for (const prompt of prompts) parseCaption(prompt, words);
  const measured = new Set([
    ...(await lines("starter/prompts.txt")),
    ...composeCaptions(words, lastLook.prompts),
    ...unseenCaptions(words, lastLook.prompts, "some period"),
  ]);
  expect(prompts.filter((prompt) => measured.has(prompt))).toEqual([]);
});

test("the starter's are what nobody can be measured on as unseen: their combinations were trained on already", () => {
  const { prompts } = usualPrompts("storybook", usualChoice.trajectories);
  expect(prompts.filter((prompt) => !wasTrainedOn(prompt, words.backgrounds))).toEqual([]);
});

test("those for any other model are of things that no measurement asks for", () => {
  const { prompts } = usualPrompts(null, usualChoice.trajectories);
  expect(new Set(prompts).size).toBe(usualChoice.trajectories + 16);
  const measured = [...plainPrompts(null), ...plainPrompts("some period")];
  expect(prompts.filter((prompt) => measured.includes(prompt))).toEqual([]);
  const nouns = new Set(measured.flatMap((prompt) => prompt.split(" ")));
  const things = new Set(prompts.map((prompt) => /(?:^| )an? \w+ (\w+) /.exec(prompt.replace(/^an? .* of /, ""))![1]!));
  expect(things.size).toBe(40);
  expect([...things].filter((thing) => nouns.has(thing))).toEqual([]);
});

test("some are held out, and of a list too short to spare any none", () => {
  const list = (count: number): string[] => Array.from({ length: count }, (_, i) => String(i));
  expect(splitPrompts(list(2000)).heldOut).toEqual(list(2000).slice(-16));
  expect(splitPrompts(list(2000)).training).toHaveLength(1984);
  expect(splitPrompts(list(16))).toEqual({ training: list(14), heldOut: ["14", "15"] });
  expect(splitPrompts(["one"])).toEqual({ training: ["one"], heldOut: ["one"] });
});
