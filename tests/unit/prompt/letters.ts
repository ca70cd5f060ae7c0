import type { PromptTokenizer } from "#lib/prompt/chunks.ts";

/** The tokenizer of tests/golden/prompt: each character that is not blank is a token, and its code point the id. */
const tokenize = (text: string): number[] => Array.from(text.replaceAll(/\s/g, ""), (one) => one.codePointAt(0)!);

export const letters: PromptTokenizer = {
  maxTokens: 77,
  special: { start: 1, end: 2, padding: 2 },
  comma: 44,
  tokenize,
  encode(text) {
    const all = tokenize(text);
    const kept = all.slice(0, 75);
    const ids = new Int32Array(77).fill(2);
    ids.set([1, ...kept]);
    return { ids, cut: kept.length < all.length };
  },
};
