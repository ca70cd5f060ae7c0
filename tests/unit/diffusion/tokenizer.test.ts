import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, test } from "vitest";
import { diskFolder } from "#lib/weights/disk-folder.ts";
import { openTokenizer } from "#lib/diffusion/tokenizer.ts";
import { AppError } from "#lib/errors.ts";

interface Golden {
  readonly maxPositions: number;
  readonly folders: readonly {
    readonly name: string;
    readonly maxTokens: number;
    readonly padding: number;
    readonly settings: Files | null;
  }[];
  readonly newLetters: { readonly text: string; readonly ids: readonly number[] };
  readonly texts: readonly {
    readonly name: string;
    readonly text: string;
    readonly answers: readonly {
      readonly folders: readonly string[];
      readonly whole: number;
      readonly ids: readonly number[];
    }[];
  }[];
}

/** Name of a file → what it holds: text as it is, anything else as JSON. */
type Files = Readonly<Record<string, unknown>>;

const golden = JSON.parse(
  readFileSync(join(import.meta.dirname, "../../golden/tokenizer/vectors.json"), "utf8"),
) as Golden;
const starter = (name: string): string => join(import.meta.dirname, "../../../starter", name, "tokenizer");
const vocabulary = JSON.parse(readFileSync(join(starter("storybook"), "vocab.json"), "utf8")) as Record<string, number>;
const config = { model_max_length: 24 };

const root = mkdtempSync(join(tmpdir(), "tokenizer-"));
afterAll(() => rmSync(root, { recursive: true }));

function freshFolder(files: Files): string {
  const folder = join(mkdtempSync(join(root, "model-")), "tokenizer");
  mkdirSync(folder);
  for (const [file, content] of Object.entries(files))
    writeFileSync(join(folder, file), typeof content === "string" ? content : JSON.stringify(content));
  return folder;
}

function storybookWith(files: Files): string {
  const folder = freshFolder(files);
  for (const file of ["vocab.json", "merges.txt"])
    cpSync(join(starter("storybook"), file), join(folder, file), { force: false });
  return folder;
}

describe("every text becomes the ids that transformers gives it", () => {
  test.each(golden.folders)("with the tokenizer $name", async ({ name, settings, maxTokens, padding }) => {
    const tokenizer = await openTokenizer(
      diskFolder(settings ? storybookWith(settings) : starter(name)),
      golden.maxPositions,
    );
    expect(tokenizer.maxTokens).toBe(maxTokens);
    for (const { name: text, text: prompt, answers } of golden.texts) {
      const { whole, ids } = answers.find(({ folders }) => folders.includes(name))!;
      const padded = Int32Array.from({ length: maxTokens }, (_, i) => ids[i] ?? padding);
      expect(tokenizer.encode(prompt), text).toEqual({ ids: padded, used: ids.length, cut: whole > maxTokens });
    }
  });

  test("but for the letters that Unicode 17 added, which the reference does not know", async () => {
    const { text, ids } = golden.newLetters;
    const encoded = (await openTokenizer(diskFolder(storybookWith({})), golden.maxPositions)).encode(text);
    const equal = encoded.ids.slice(0, encoded.used).join() === ids.join();
    expect(equal).toBe(Number.parseInt(process.versions["unicode"]!, 10) < 17);
  });
});

test("a tokenizer.json with nothing beside it and merges as lines gives the same ids", async () => {
  const json = JSON.parse(readFileSync(join(starter("watercolor"), "tokenizer.json"), "utf8")) as {
    model: { merges: string[][] };
  };
  const older = { ...json, model: { ...json.model, merges: json.model.merges.map((merge) => merge.join(" ")) } };
  const [bare, whole] = [
    await openTokenizer(diskFolder(freshFolder({ "tokenizer.json": older })), 24),
    await openTokenizer(diskFolder(starter("watercolor"))),
  ];
  for (const { text } of golden.texts) expect(bare.encode(text)).toEqual(whole.encode(text));
});

describe("the length", () => {
  test("is cut at the positions of the text encoder, with start and end kept", async () => {
    const tokenizer = await openTokenizer(diskFolder(starter("storybook")), 5);
    expect(tokenizer.encode("red red red red red")).toEqual({
      ids: Int32Array.of(605, 543, 543, 543, 606),
      used: 5,
      cut: true,
    });
    expect(tokenizer.encode("red red red")).toEqual({
      ids: Int32Array.of(605, 543, 543, 543, 606),
      used: 5,
      cut: false,
    });
  });

  test("is that of the text encoder where the folder states an absurd one", async () => {
    const folder = storybookWith({ "tokenizer_config.json": { model_max_length: 1e30 } });
    expect((await openTokenizer(diskFolder(folder), 77)).maxTokens).toBe(77);
    await expect(openTokenizer(diskFolder(folder))).rejects.toThrow("model_max_length");
  });
});

describe("unknown words", () => {
  test("are the words that the vocabulary does not hold, each once and as written", async () => {
    const tokenizer = await openTokenizer(diskFolder(starter("storybook")));
    expect(
      tokenizer.unknownWords("a big Fox, a red fox and a Fox in the cafe\u0301: 12 stars, ?!... <|endoftext|>"),
    ).toEqual(["Fox", "fox", "cafe\u0301", "stars"]);
    expect(tokenizer.unknownWords("The small PINK mushroom at sunset")).toEqual([]);
    const words = golden.texts.flatMap(({ text }) => text.match(/\b[a-z]+\b/g) ?? []);
    for (const word of new Set(words))
      expect(tokenizer.unknownWords(word)).toEqual(`${word}</w>` in vocabulary ? [] : [word]);
  });

  test("leave out what a learned word is made of", async () => {
    const tokenizer = await openTokenizer(
      diskFolder(storybookWith({ "added_tokens.json": { "<moss-cat>": 607 } })),
      77,
    );
    expect(tokenizer.unknownWords("a <moss-cat> and a cat")).toEqual(["cat"]);
  });
});

test("a text of 10,000 characters is taken and a longer one refused", async () => {
  const tokenizer = await openTokenizer(diskFolder(starter("storybook")));
  expect(tokenizer.encode("x".repeat(10_000)).cut).toBe(true);
  for (const method of [tokenizer.encode, tokenizer.unknownWords]) {
    const failure = new AppError("bad_request", "The text has 10,001 characters; a prompt may have 10,000 at most.", {
      length: 10_001,
      limit: 10_000,
    });
    expect(() => method("x".repeat(10_001))).toThrow(failure);
  }
});

describe("a folder is refused, with the file at fault named, when", () => {
  const unigram = { model: { type: "Unigram", vocab: [["a", -1]] } };
  const pair = { "tokenizer_config.json": config, "vocab.json": vocabulary };
  const cases: readonly [string, AppError["code"], string, Files][] = [
    ["it is empty", "file_not_found", "tokenizer has no tokenizer.json and no vocab.json", {}],
    ["merges are missing", "file_not_found", "no merges.txt", pair],
    [
      "the vocabulary is not JSON",
      "unsupported_model",
      "tokenizer/vocab.json is not a file of a CLIP tokenizer (it is not valid JSON)",
      { ...pair, "vocab.json": '{"a": ' },
    ],
    [
      "an id is not a number",
      "unsupported_model",
      'vocab.json is not a file of a CLIP tokenizer ("a"',
      { ...pair, "vocab.json": { ...vocabulary, a: "64" } },
    ],
    ["an id is absurd", "unsupported_model", '("a"', { ...pair, "vocab.json": { ...vocabulary, a: 4e9 } }],
    [
      "a merge is not of two pieces",
      "unsupported_model",
      'merges.txt: merge 2 ("b i g")',
      { ...pair, "merges.txt": "#version: 0.2\nb i\nb i g\n" },
    ],
    [
      "a merge is not in the vocabulary",
      "unsupported_model",
      'merges.txt: merge 1 ("x q")',
      { ...pair, "merges.txt": "x q\n" },
    ],
    [
      "the end token is not in the vocabulary",
      "unsupported_model",
      '"</s>" is not in the vocabulary',
      { ...pair, "merges.txt": "", "tokenizer_config.json": { ...config, eos_token: "</s>" } },
    ],
    [
      "it pads to the left",
      "unsupported_model",
      'tokenizer_config.json is not a file of a CLIP tokenizer ("padding_side"',
      { ...pair, "merges.txt": "", "tokenizer_config.json": { ...config, padding_side: "left" } },
    ],
    [
      "a special token is a number",
      "unsupported_model",
      'special_tokens_map.json is not a file of a CLIP tokenizer ("pad_token"',
      { ...pair, "merges.txt": "", "special_tokens_map.json": { pad_token: 0 } },
    ],
    [
      "it adds tokens without end",
      "unsupported_model",
      "adds 1004 tokens",
      {
        ...pair,
        "merges.txt": "",
        "added_tokens.json": Object.fromEntries(Array.from({ length: 1000 }, (_, i) => [`<${i}>`, 607 + i])),
      },
    ],
    [
      "its tokenizer.json is of another kind",
      "unsupported_model",
      'tokenizer.json is not a file of a CLIP tokenizer ("model',
      { "tokenizer.json": unigram },
    ],
    [
      "it has a quarter of a million words",
      "unsupported_model",
      "tokenizer/vocab.json has 250000 words, and at most 200000 are read",
      { ...pair, "vocab.json": Object.fromEntries(Array.from({ length: 250_000 }, (_, i) => [`w${i}`, 1])) },
    ],
    [
      "its tokenizer.json has a quarter of a million words",
      "unsupported_model",
      "tokenizer/tokenizer.json has 250000 words, and at most 200000 are read",
      {
        "tokenizer.json": {
          model: { vocab: Object.fromEntries(Array.from({ length: 250_000 }, (_, i) => [`w${i}`, 1])) },
        },
      },
    ],
    [
      "it has a million merges",
      "unsupported_model",
      "tokenizer/merges.txt has 1000000 merges, and at most 200000 are read",
      { ...pair, "merges.txt": "b i\n".repeat(1_000_000) },
    ],
    [
      "no length is stated anywhere",
      "unsupported_model",
      "model_max_length",
      { "vocab.json": vocabulary, "merges.txt": "" },
    ],
  ];

  test.each(cases)("%s", async (_, code, words, files) => {
    await expect(openTokenizer(diskFolder(freshFolder(files)))).rejects.toMatchObject({
      name: "AppError",
      code,
      message: expect.stringContaining(words),
    });
  });

  test.each(["vocab.json", "merges.txt", "tokenizer.json"])("%s is above 8 MiB", async (file) => {
    const folder = storybookWith(file === "tokenizer.json" ? { [file]: "" } : {});
    truncateSync(join(folder, file), 8 * 2 ** 20 + 1);
    await expect(openTokenizer(diskFolder(folder), 77)).rejects.toMatchObject({
      code: "unsupported_model",
      message: expect.stringContaining(`${file} is not a file of a CLIP tokenizer (8388609 bytes)`),
    });
  });
});
