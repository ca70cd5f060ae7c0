import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, describe, expect, test } from "vitest";
import { type EmbeddingChoice, notesOnWords } from "#lib/diffusion/learned-words.ts";
import { readModelFiles, usedFiles } from "#lib/diffusion/model-files.ts";
import { openText } from "#lib/diffusion/pipeline.ts";
import { type Prompt, wholePicture } from "#lib/diffusion/text-conditioner.ts";
import { type FloatTensor, tensor } from "#lib/tensor/tensor.ts";
import { writeSafetensors } from "#lib/weights/write-safetensors.ts";
import { relativeError } from "../../support/close-to.ts";
import { readTensors, testRuntime } from "../../support/golden.ts";

const at = (path: string): string => fileURLToPath(new URL(`../../golden/pictures/${path}`, import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "words-"));
afterAll(() => rmSync(folder, { recursive: true }));

interface Case {
  readonly model: string;
  readonly tolerance: number;
  readonly settings: { readonly prompts: Readonly<Record<string, string>>; readonly prompt: string };
  readonly tokens: Readonly<Record<string, readonly number[]>>;
}
const caseOf = (name: string): Case => JSON.parse(readFileSync(at(`${name}/case.json`), "utf8")) as Case;

const filesOf = (name: string, embeddings: readonly EmbeddingChoice[]) =>
  readModelFiles({ model: at(`${name}/${caseOf(name).model}`), lowRank: [], guide: null, embeddings });

const condition = async (files: Awaited<ReturnType<typeof filesOf>>, prompt: Prompt) => {
  const text = await openText(files, testRuntime);
  const found = await text.condition([prompt], wholePicture({ height: 16, width: 16 }));
  await text.close();
  return { ...found, tokenizers: text.encoders.map(({ tokenizer }) => tokenizer) };
};

function writeWords(name: string, tensors: Readonly<Record<string, FloatTensor>>): string {
  const path = join(folder, name);
  writeFileSync(path, writeSafetensors(new Map(Object.entries(tensors))));
  return path;
}
const ones = (...shape: number[]): FloatTensor =>
  tensor(new Float32Array(shape.reduce((a, b) => a * b)).fill(1), shape);

describe("learned words equal diffusers' load_textual_inversion", () => {
  const name = "textual-inversion";
  const choices: EmbeddingChoice[] = [
    { path: at(`${name}/one.safetensors`) },
    { path: at(`${name}/two.safetensors`) },
    { path: at(`${name}/a1111.safetensors`), word: "badfox" },
  ];

  test("ids and states, of one vector, of two, under a name of one's own, and of all together", async () => {
    const [{ settings, tokens, tolerance }, golden] = [
      caseOf(name),
      await readTensors(at(`${name}/golden.safetensors`)),
    ];
    const files = await filesOf(name, choices);
    for (const [key, prompt] of Object.entries(settings.prompts)) {
      const { text, tokenizers } = await condition(files, prompt);
      expect([...tokenizers[0]!.encode(prompt).ids]).toEqual(tokens[key]);
      expect(relativeError(text, golden.get(`text.${key}`)!), key).toBeLessThan(tolerance);
    }
  });

  test("a word alone is heard the same whatever other words are known", async () => {
    const { tolerance } = caseOf(name);
    const golden = await readTensors(at(`${name}/golden.safetensors`));
    const { text } = await condition(await filesOf(name, choices.slice(1, 2)), "a <fern> fox in the snow");
    expect(relativeError(text, golden.get("text.two")!)).toBeLessThan(tolerance);
  });

  test("for both text encoders of SDXL, pooled as diffusers does", async () => {
    const name = "textual-inversion-xl";
    const [{ settings, tokens, tolerance }, golden] = [
      caseOf(name),
      await readTensors(at(`${name}/golden.safetensors`)),
    ];
    const files = await filesOf(name, [{ path: at(`${name}/embedding.safetensors`), word: "<moss>" }]);
    const { text, pooledText, tokenizers } = await condition(files, settings.prompt);
    expect([...tokenizers[1]!.encode(settings.prompt).ids]).toEqual(tokens["prompt_2"]);
    expect(relativeError(text, golden.get("text.prompt")!)).toBeLessThan(tolerance);
    // The old end token 2 takes the highest number, which is the learned word's and not the end's: diffusers' way, not A1111's.
    expect(relativeError(pooledText!, golden.get("pooled.prompt")!)).toBeLessThan(tolerance);
    expect(relativeError(pooledText!, golden.get("pooled.at_end")!)).toBeGreaterThan(0.1);
    const encoders = tokenizers.map((tokenizer) => ({ tokenizer }));
    expect(notesOnWords(files, encoders, [settings.prompt])).toEqual([]);
  });
});

describe("words among prompts", () => {
  const two = { path: at("textual-inversion/two.safetensors") };

  test("a word's vectors never part, and take part in emphasis", async () => {
    const files = await filesOf("textual-inversion", [two]);
    const { tokenizers } = await condition(files, "");
    const [tokenizer] = tokenizers as [(typeof tokenizers)[number]];
    expect([...tokenizer.tokenize("<fern>")]).toEqual([592, 593]);
    expect([...tokenizer.tokenize("<FERN>_1 fox")].slice(0, 1)).toEqual([593]);
    expect([592, 593, 521].map((id) => tokenizer.unitLength!(id))).toEqual([2, 1, 1]);
    const full = `${"castle ".repeat(74)}<fern>`;
    const long = await condition(files, { text: full, syntax: "a1111", side: "prompt" });
    expect(long.text.shape).toEqual([1, 154, 16]); // the second chunk begins with the word
    const weighed = await condition(files, { text: "(<fern>:1.4) fox", syntax: "a1111", side: "prompt" });
    const plain = await condition(files, "<fern> fox");
    expect(relativeError(weighed.text, plain.text)).toBeGreaterThan(1e-2);
  });

  test("the file and its name are part of what made the picture", async () => {
    const files = await filesOf("textual-inversion", [{ path: at("textual-inversion/one.safetensors"), word: "moss" }]);
    const used = usedFiles(files).filter(({ role }) => role === "embedding");
    expect(used).toEqual([
      { role: "embedding", name: "one.safetensors", path: expect.stringMatching(/one\.safetensors$/), word: "moss" },
    ]);
  });

  test.each<[string, () => EmbeddingChoice[], string, RegExp]>([
    [
      "another base's width",
      () => [{ path: writeWords("wide.safetensors", { "<w>": ones(768) }) }],
      "weights_mismatch",
      /768.*16/,
    ],
    ["two of one name", () => [two, two], "bad_request", /called "<fern>"/],
    ["a name that is a token", () => [{ ...two, word: "fox</w>" }], "bad_request", /token of this model/],
    [
      "one name for several words",
      () => [{ path: writeWords("several.safetensors", { "<a>": ones(16), "<b>": ones(16) }), word: "c" }],
      "bad_request",
      /holds 2 words/,
    ],
  ])("refuses %s", async (_what, choices, code, says) => {
    const opening = filesOf("textual-inversion", choices()).then((files) => condition(files, ""));
    await expect(opening).rejects.toMatchObject({ code, message: expect.stringMatching(says) });
  });

  test("a word for one of two text encoders is said", async () => {
    const path = writeWords("moss.safetensors", { emb_params: ones(1, 16) });
    const files = await filesOf("textual-inversion-xl", [{ path }]);
    const { tokenizers } = await condition(files, "a moss fox");
    const encoders = tokenizers.map((tokenizer) => ({ tokenizer }));
    expect(notesOnWords(files, encoders, ["a moss fox", ""])).toEqual([
      'moss.safetensors has no vectors for the second text encoder, which reads "moss" as plain text.',
    ]);
    expect(notesOnWords(files, encoders, ["a fox", ""])).toEqual([
      'No prompt names "moss", the word of moss.safetensors, so it changed nothing.',
    ]);
    expect(tokenizers.map(({ tokenize }) => tokenize("moss").includes(592))).toEqual([true, false]);
  });
});
