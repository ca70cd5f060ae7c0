import { readFile } from "node:fs/promises";
import { describe, expect, test } from "vitest";
import { parseCaption } from "#lib/measure/captions.ts";
import { plainPrompts } from "#lib/measure/prompts.ts";
import { keyedRandom } from "#lib/measure/unseen/keyed-random.ts";
import { wasTrainedOn } from "#lib/measure/unseen/trained-words.ts";
import { unseenCaptions } from "#lib/measure/unseen/unseen-captions.ts";
import { combinationOf, decodeHashes, encodeHashes, hashOf } from "#lib/measure/unseen/word-hashes.ts";
import { PythonRandom } from "#lib/util/python-random.ts";
import { distilledOn, trainedWith, words } from "#lib/distill/prompts/starter-captions.ts";

const publicPrompts = (await readFile("starter/prompts.txt", "utf8")).trim().split("\n");
const { captions: trained, scenes } = trainedWith();
const combination = (caption: string): string => combinationOf(caption, words.backgrounds);

describe("the captions of training", () => {
  test("are drawn as Python draws them", () => {
    const random = new PythonRandom(7);
    // python3 -c 'import random; r = random.Random(7); print(r.random(), r.randrange(10), r.sample("abcdef", 3), r.randrange(2**31))'
    expect([random.random(), random.randrange(10), random.sample([..."abcdef"], 3), random.randrange(2 ** 31)]).toEqual(
      [0.32383276483316237, 2, ["d", "a", "e"], 404285457],
    );
    expect(trained.slice(0, 3)).toEqual([
      "a small purple boat and a small purple house at night",
      "a white mushroom and a blue car at night",
      "a big tree and a big white rocket in the desert",
    ]);
  });

  test("have 44 of the public 96 among their scenes, and the guides' 12, as the cards of the starter say", () => {
    const [seen, distilled] = [new Set(scenes), new Set(distilledOn())];
    expect(publicPrompts.filter((prompt) => seen.has(prompt))).toHaveLength(44);
    expect(publicPrompts.filter((prompt) => distilled.has(prompt))).toHaveLength(12);
  });

  test("are what the file of hashes was made of, with the public ones, and it is small", async () => {
    const all = [...trained, ...scenes, ...distilledOn(), ...publicPrompts];
    const bytes = encodeHashes(all.map((caption) => hashOf(combination(caption))));
    expect(await readFile("lib/measure/unseen/trained-words.bin")).toEqual(Buffer.from(bytes));
    expect(bytes.length).toBeLessThan(25_000);
  });
});

describe("prompts that nobody could train on", () => {
  const drawn = unseenCaptions(words, 384, "one period");

  test("are of two things whose words stand together in no training caption, in either order, before any background", () => {
    const seen = new Set([...trained, ...scenes, ...distilledOn(), ...publicPrompts].map(combination));
    expect(new Set(drawn).size).toBe(384);
    for (const caption of drawn) {
      expect(parseCaption(caption, words).things).toHaveLength(2);
      expect(seen.has(combination(caption)), caption).toBe(false);
    }
  });

  test("use every word that the evaluator can score", () => {
    const used = new Set(drawn.flatMap((caption) => caption.split(" ")));
    for (const word of [...words.kinds, ...words.colors, ...words.sizes]) expect(used).toContain(word);
    for (const background of words.backgrounds)
      expect(drawn.some((caption) => caption.endsWith(background))).toBe(true);
  });

  test("are others with another key, and of a thousand periods no two have many in common", () => {
    const other = new Set(unseenCaptions(words, 384, "another period"));
    expect(drawn.filter((caption) => other.has(caption)).length).toBeLessThan(20);
    expect(unseenCaptions(words, 384, "one period")).toEqual(drawn);
  });

  test("end where a vocabulary has no more", () => {
    const few = {
      backgrounds: ["here", "there"],
      kinds: ["cube", "ball"],
      colors: ["red", "blue"],
      sizes: ["big", "small"],
    };
    expect(unseenCaptions(few, 384, "a key").length).toBeLessThan(384);
  });

  test("a caption that says less is known by what it says", () => {
    expect(wasTrainedOn("a white mushroom and a blue car at sea", words.backgrounds)).toBe(true);
    expect(wasTrainedOn("a blue car and a white mushroom", words.backgrounds)).toBe(true);
  });

  test("of no grammar are drawn from many thousand, each once", () => {
    const [one, other] = [plainPrompts("one"), plainPrompts("other")];
    expect(new Set(one).size).toBe(384);
    expect(one.filter((prompt) => other.includes(prompt)).length).toBeLessThan(20);
    expect(one.filter((prompt) => plainPrompts(null).includes(prompt))).toEqual([]);
  });
});

test("hashes come out of their file as they went in", () => {
  const hashes = [0, 1, 127, 128, 129, 16_383, 16_384, 2 ** 24 - 1];
  expect([...decodeHashes(encodeHashes(hashes.toReversed()))]).toEqual(hashes);
  expect(decodeHashes(encodeHashes([]))).toEqual(new Set());
});

test("numbers of a key are spread evenly", () => {
  const random = keyedRandom("a key");
  const counts = Array.from({ length: 10 }, () => 0);
  for (let i = 0; i < 10_000; i++) counts[Math.floor(random() * 10)]!++;
  for (const count of counts) expect(Math.abs(count - 1000)).toBeLessThan(150);
});
