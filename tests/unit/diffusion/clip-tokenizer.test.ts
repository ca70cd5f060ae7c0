import { describe, expect, test } from "vitest";
import { clipTokenizer } from "#lib/diffusion/clip-tokenizer.ts";
import golden from "../../golden/clip-vocabulary/vectors.json" with { type: "json" };

interface Answer {
  readonly whole: number;
  readonly ids: readonly number[];
}
const texts: readonly { text: string; end: Answer; exclamation?: Answer }[] = golden.texts;

describe("with CLIP's own vocabulary every text becomes the ids that transformers gives it", () => {
  test.each([
    ["<|endoftext|>", 49_407],
    ["!", 0],
  ] as const)("padded with %s", async (padding, id) => {
    const tokenizer = await clipTokenizer({ padding });
    expect(tokenizer.maxTokens).toBe(77);
    for (const { text, end, exclamation = end } of texts) {
      const { whole, ids } = padding === "!" ? exclamation : end;
      const padded = Int32Array.from({ length: 77 }, (_, i) => ids[i] ?? id);
      expect(tokenizer.encode(text), text).toEqual({ ids: padded, used: ids.length, cut: whole > 77 });
    }
    expect(texts.length).toBeGreaterThanOrEqual(200);
  });
});

test("the ids are those that everybody knows", async () => {
  const { ids } = (await clipTokenizer()).encode("a photo of a cat");
  expect(Array.from(ids.slice(0, 8))).toEqual([49_406, 320, 1125, 539, 320, 2368, 49_407, 49_407]);
});

test("a text encoder with fewer positions has shorter texts", async () => {
  expect((await clipTokenizer({ maxPositions: 24 })).maxTokens).toBe(24);
});
