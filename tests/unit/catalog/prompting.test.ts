import { readFile } from "node:fs/promises";
import { expect, test } from "vitest";
import { parseFrontMatter } from "#lib/catalog/cards/front-matter.ts";
import { promptsOfCard, triggersOfCard } from "#lib/catalog/prompting/card-prompts.ts";
import { triggersOf } from "#lib/catalog/prompting/triggers.ts";
import { readVocabulary, wordsKnown } from "#lib/catalog/prompting/vocabulary.ts";
import { someWords, unknownWords } from "../../../app/preview/words.ts";

const starter = (path: string): Promise<string> =>
  readFile(new URL(`../../../starter/${path}`, import.meta.url), "utf8");
const cardOf = (yaml: string) => ({ frontMatter: parseFrontMatter(yaml) });

test("a card shows prompts, in the ways that trainers write them; anything else is passed over", () => {
  const card = cardOf(
    'widget:\n  - text: "a photo of  sks dog\\nin a bucket"\n    output: {url: a.png}\n  - text: "-"\n  - 7\n  - a plain one\nexamples:\n  - prompt: another',
  );
  expect(promptsOfCard(card)).toEqual(["a photo of sks dog in a bucket", "a plain one", "another"]);
  expect(promptsOfCard(cardOf("widget: no list"))).toEqual([]);
});

test("what triggers a style stands in the card, in the file, or beside it", () => {
  expect(triggersOfCard(cardOf("instance_prompt: a photo of sks dog\ntrigger_words: [inkstyle, 7, '  ']"))).toEqual([
    "a photo of sks dog",
    "inkstyle",
  ]);
  expect(triggersOfCard(cardOf("instance_prompt: null"))).toEqual([]);
  const from = "a note";
  const lowRank = {
    layers: {},
    ranks: [],
    alphas: [],
    textWidth: null,
    bases: [],
    accelerator: null,
    triggers: [
      { words: "in ink", from, declared: true },
      { words: "1girl", from, declared: false },
    ],
  };
  const facts = { lowRank, metadata: { "modelspec.trigger_phrase": "drawn in ink" }, parts: [] };
  expect(triggersOf(cardOf("trigger: inkstyle"), facts).filter(({ declared }) => declared)).toMatchObject([
    { words: "inkstyle", from: "its card" },
    { words: "in ink" },
    { words: "drawn in ink" },
  ]);
  expect(triggersOf(null, null)).toEqual([]);
});

test("the starter's words are those of its prompts, read from either form of a tokenizer, without the pieces that a BPE goes through", async () => {
  const prompts = (await starter("prompts.txt")).trim().split("\n");
  const folder = readVocabulary({
    vocab: await starter("storybook/tokenizer/vocab.json"),
    merges: await starter("storybook/tokenizer/merges.txt"),
  })!;
  const whole = readVocabulary({ tokenizer: await starter("watercolor/tokenizer/tokenizer.json") })!;
  const used = new Set(prompts.flatMap((prompt) => prompt.split(" ")));
  const known = wordsKnown(folder, prompts);
  expect(wordsKnown(whole, prompts)).toEqual(known);
  for (const word of used) expect(known).toContain(word);
  expect(known.filter((word) => !used.has(word))).toEqual(["the"].filter((word) => !used.has(word)));
  expect(known).not.toContain("een"); // the end of “green”
});

test("a large vocabulary, and what is none, take any word", () => {
  const large = Object.fromEntries(Array.from({ length: 5001 }, (_, i) => [`w${i}</w>`, i]));
  expect(readVocabulary({ vocab: JSON.stringify(large), merges: "#version\n" })).toBeNull();
  for (const vocab of ["{", "[]", '{"a":"b"}', '{"a":1}']) expect(readVocabulary({ vocab, merges: "" })).toBeNull();
});

test("the words of a prompt that are not known are named as they are spelt, once", () => {
  expect(unknownWords("A big Spaceship at SEA, Spaceship 7", ["a", "big", "at", "sea"])).toEqual(["Spaceship"]);
  expect(unknownWords("夜の灯台 café", ["a"])).toEqual(["夜の灯台", "café"]);
  expect(unknownWords("", [])).toEqual([]);
  expect(someWords(["a", "mushroom", "at", "boat"], 2)).toEqual(["boat", "mushroom"]);
});
