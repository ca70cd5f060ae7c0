import { afterAll, beforeAll, expect, test } from "vitest";
import { readLearnedWords, vectorsFor } from "#lib/weights/textual-inversion.ts";
import { type Numbers, numbers, type StoredAs, writeTensors } from "../../support/adapter-file.ts";
import { temporaryFolder } from "../../support/cli.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
beforeAll(async () => void (folder = await temporaryFolder()));
afterAll(() => folder.remove());

const read = async (tensors: Record<string, Numbers>, name = "ink.safetensors", dtype: StoredAs = "F32") =>
  (await readLearnedWords(await writeTensors(folder.path(name), tensors, { dtype }))).words;

test.each([
  ["A1111's", { emb_params: numbers(1, 8, 16) }, "ink", 8],
  ["A1111's of one vector", { emb_params: numbers(1, 16) }, "ink", 1],
  ["diffusers' of one vector", { "<a-new-word>": numbers(2, 16) }, "<a-new-word>", 1],
  ["diffusers' of several", { "<a-new-word>": numbers(2, 3, 16) }, "<a-new-word>", 3],
  ["one tensor of another name", { "*": numbers(2, 2, 16) }, "ink", 2],
])("%s file gives a word and its vectors", async (_what, tensors: Record<string, Numbers>, token, count) => {
  const [word] = await read(tensors);
  expect(word).toMatchObject({ token, count });
  const [given] = Object.values(tensors);
  for (const encoder of ["first", "second"] as const)
    expect(vectorsFor(word!, { encoder, width: 16 })).toEqual({
      shape: [count, 16],
      data: new Float32Array(given!.data),
    });
  expect(vectorsFor(word!, { encoder: "first", width: 20 })).toBeNull();
});

test("SDXL's has vectors for each of two text encoders, of whatever widths", async () => {
  const [word] = await read({ clip_g: numbers(3, 2, 20), clip_l: numbers(4, 2, 16) }, "ink.safetensors", "F16");
  expect(word).toMatchObject({ token: "ink", count: 2 });
  expect(vectorsFor(word!, { encoder: "first", width: 16 })!.data).toEqual(new Float32Array(numbers(4, 2, 16).data));
  expect(vectorsFor(word!, { encoder: "second", width: 20 })!.data).toEqual(new Float32Array(numbers(3, 2, 20).data));
  expect(vectorsFor(word!, { encoder: "second", width: 16 })).toBeNull();
});

test("a file of two words gives both", async () => {
  const words = await read({ "<one>": numbers(5, 16), "<two>": numbers(6, 2, 16) });
  expect(words.map(({ token, count }) => [token, count])).toEqual([
    ["<one>", 1],
    ["<two>", 2],
  ]);
});

test.each([
  ["76 vectors", { emb_params: numbers(7, 76, 4) }, /76 vectors, and a prompt has room for 1 to 75/],
  ["no vector", { emb_params: numbers(7, 0, 4) }, /0 vectors, and a prompt has room for 1 to 75/],
  ["three dimensions", { emb_params: numbers(7, 1, 2, 4) }, /learned words are vectors of a text encoder's width/],
  ["unequal counts", { clip_l: numbers(8, 2, 4), clip_g: numbers(9, 3, 5) }, /has 2 and 3 vectors/],
  ["a network", { "a.weight": numbers(1, 2, 2), "b.weight": numbers(1, 2, 2) }, /holds no learned words/],
  ["NaN", { emb_params: { shape: [1, 2], data: Float64Array.of(1, NaN) } }, /holds NaN or infinity/],
])("%s are refused in a sentence", async (_what, tensors: Record<string, Numbers>, sentence) => {
  await expect(read(tensors)).rejects.toThrow(sentence);
});
