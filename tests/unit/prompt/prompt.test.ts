import { join } from "node:path";
import { describe, expect, test } from "vitest";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { applyWeights } from "#lib/prompt/apply-weights.ts";
import { chunksOf, padChunks, type PromptTokenizer } from "#lib/prompt/chunks.ts";
import { parseEmphasis } from "#lib/prompt/emphasis.ts";
import { takeExtraNetworks } from "#lib/prompt/extra-networks.ts";
import { readPrompt } from "#lib/prompt/read-prompt.ts";
import { letters } from "./letters.ts";
import { cpuMilliseconds } from "../../support/cpu-time.ts";

const wordsOf = (ids: Int32Array): string => String.fromCharCode(...[...ids].filter((id) => id > 2));

describe("the plain syntax", () => {
  test("takes every character literally and cuts what is too long, as diffusers does", () => {
    const { chunks, cut, networks } = chunksOf(`(a:1.3) <lora:ink:1> BREAK ${"b".repeat(80)}`, letters, "plain");
    expect(chunks.length).toBe(1);
    expect(wordsOf(chunks[0]!.ids)).toBe(`(a:1.3)<lora:ink:1>BREAK${"b".repeat(51)}`);
    expect(chunks[0]!.weights).toEqual(new Float32Array(77).fill(1));
    expect({ cut, networks }).toEqual({ cut: true, networks: [] });
  });

  test.each([
    ["a (flower:1.2)", "“(…:1.2)”"],
    ["((flower))", "“((…))”"],
    ["a BREAK b", "“BREAK”"],
    ["a <lora:ink:0.6>", "“<lora:…>”"],
    ["((a:1.2)) BREAK <lyco:ink>", "“(…:1.2)”, “((…))”, “BREAK”, “<lora:…>” in the prompt are taken literally"],
  ])("says of %s what it does not read", (prompt, words) => {
    const { notes } = readPrompt(prompt, "plain");
    expect(notes).toEqual([expect.stringContaining(words)]);
    expect(notes[0]).toContain("--prompt-syntax a1111");
  });

  test.each(["a dog (brown) [old]", "3:2, 16:9 (wide)", "breaks, BREAKING", "a <moss-cat>", "a < b > c", ""])(
    "says nothing of %j",
    (prompt) => expect(readPrompt(prompt, "plain").notes).toEqual([]),
  );
});

describe("the syntax a1111", () => {
  test("with the model's own tokenizer gives the ids that it gives each piece", async () => {
    const tokenizer = await openTokenizer(
      diskFolder(join(import.meta.dirname, "../../../starter/storybook/tokenizer")),
      77,
    );
    const { chunks } = chunksOf("a (big:1.5) red house BREAK a boat", tokenizer, "a1111");
    const ids = (text: string): readonly number[] => tokenizer.tokenize(text);
    const { start, end } = tokenizer.special;
    const expected = [
      [start, ...ids("a "), ...ids("big"), ...ids(" red house"), end],
      [start, ...ids("a boat"), end],
    ];
    for (const [i, chunk] of chunks.entries()) {
      expect(Array.from(chunk.ids).slice(0, expected[i]!.length)).toEqual(expected[i]);
      expect(chunk.ids.slice(expected[i]!.length).every((id) => id === tokenizer.special.padding)).toBe(true);
    }
    expect(Array.from(chunks[0]!.weights).slice(0, 5)).toEqual([1, 1, 1.5, 1, 1]);
    expect(tokenizer.comma).not.toBe(tokenizer.special.end);
  });

  test("pads behind the first end where padding is another token, as Stable Diffusion 2 has it", () => {
    const padded: PromptTokenizer = { ...letters, special: { start: 1, end: 2, padding: 0 }, maxTokens: 6 };
    const { chunks } = chunksOf("abcde", padded, "a1111");
    expect(chunks.map(({ ids }) => [...ids])).toEqual([
      [1, 97, 98, 99, 100, 2],
      [1, 101, 2, 0, 0, 0],
    ]);
  });

  test("keeps the vectors of a learned word together", () => {
    const learned: PromptTokenizer = {
      ...letters,
      maxTokens: 7,
      unitLength: (id) => (id === 0x41 ? 3 : 1),
    };
    const { chunks } = chunksOf("abcABCd", learned, "a1111");
    expect(chunks.map(({ ids }) => wordsOf(ids))).toEqual(["abc", "ABCd"]);
    expect(chunksOf("ABC", { ...learned, maxTokens: 4 }, "a1111").chunks.map(({ ids }) => wordsOf(ids))).toEqual([
      "AB",
      "C",
    ]);
  });

  test("tells strengths apart by their place and by their names", () => {
    const { networks, text, notes } = takeExtraNetworks(
      "<lora:one><lora:two:0.6> <lora:three:0.5:1> <lyco:four:te=0.2:unet=-0.3><hypernet:five:0.1><lora:six:1:1:8>",
    );
    expect(text).toBe("  ");
    expect(
      networks.map(({ kind, name, textEncoderStrength, unetStrength }) => [
        kind,
        name,
        textEncoderStrength,
        unetStrength,
      ]),
    ).toEqual([
      ["lora", "one", 1, 1],
      ["lora", "two", 0.6, 0.6],
      ["lora", "three", 0.5, 1],
      ["lora", "four", 0.2, -0.3],
      ["hypernet", "five", 0.1, 0.1],
      ["lora", "six", 1, 1],
    ]);
    expect(notes).toEqual([expect.stringContaining("“<lora:six:1:1:8>”: its reduced rank")]);
  });

  test.each([
    ["<lora:ink:strong>", "strength is not a number"],
    ["<lora::0.5>", "names no file"],
    ["<style:ink>", "kind “style” is not known"],
    ["[a:b:0.5]", "“[from:to:when]”"],
    ["[a|b]", "“[a|b]”"],
    ["a AND b", "“AND”"],
    ["a # b", "“#”"],
    ["(a BREAK b:1.2)", "“BREAK” within weighed brackets"],
  ])("says of %s what it does not follow", (prompt, words) => {
    expect(readPrompt(prompt, "a1111").notes).toEqual([expect.stringContaining(words)]);
  });

  test("asks for networks in the prompt only", () => {
    const { networks, pieces, notes } = readPrompt("<lora:ink:0.5>", "a1111", "negative prompt");
    expect(networks).toEqual([]);
    expect(pieces.map(({ text }) => text).join("")).toBe("<lora:ink:0.5>");
    expect(notes).toEqual([expect.stringContaining("in the negative prompt is text")]);
  });

  test("takes what theirs ends in an error on as text", () => {
    expect(parseEmphasis("(a:1.2.3)")).toEqual([{ text: "a:1.2.3", weight: 1.1, isBreak: false }]);
    expect(parseEmphasis("(a:.)")).toEqual([{ text: "a:.", weight: 1.1, isBreak: false }]);
    expect(parseEmphasis(`(a:${"9".repeat(400)})`)[0]!.weight).toBe(1.1);
  });

  test("makes both prompts equally long with empty chunks", () => {
    const { chunks } = chunksOf("a BREAK b BREAK c", letters, "a1111");
    const { chunks: negative } = chunksOf("bad", letters, "a1111");
    const padded = padChunks(negative, chunks.length, letters);
    expect(padded.map(({ ids }) => wordsOf(ids))).toEqual(["bad", "", ""]);
    expect(Array.from(padded[2]!.ids).slice(0, 3)).toEqual([1, 2, 2]);
    expect(padChunks(chunks, 1, letters)).toEqual(chunks);
  });
});

describe("strangers' prompts", () => {
  test.each(
    [
      "(",
      "[",
      "(a",
      "\\(a",
      "(a:",
      ":",
      ": ",
      "(a: 1.",
      "BREAK ",
      "BREAK",
      "<",
      "<a:",
      "<lora:a",
      "a ",
      "a,",
      "()",
      "(a:1.1)",
      "[a:1]",
      "1",
      " ",
      "\t",
      "👩‍🚀",
      "\ud800",
    ].map((unit) => [unit]),
  )("of ten thousand characters of %j are read quickly or refused", (unit) => {
    const prompt = unit.repeat(Math.floor(10_000 / unit.length));
    for (const syntax of ["plain", "a1111"] as const) {
      const took = cpuMilliseconds(() => {
        try {
          chunksOf(prompt, letters, syntax);
        } catch (failure) {
          expect(failure).toMatchObject({ code: "bad_request", message: expect.stringContaining("64 chunks") });
        }
      });
      expect(took).toBeLessThan(1000); // some 50 ms at worst on a small machine
    }
  });

  test("of a hundred thousand are refused before they are read", () => {
    const refused = expect.objectContaining({
      code: "bad_request",
      message: expect.stringContaining("10,000 at most"),
    });
    for (const syntax of ["plain", "a1111"] as const)
      expect(() => readPrompt("a ".repeat(50_000), syntax)).toThrow(refused);
  });
});

test("weights that do not fit the states are refused", () => {
  expect(() => applyWeights(new Float32Array(7), new Float32Array(2))).toThrow(RangeError);
});
