import { z } from "zod";

/** More than these are a language, and fewer a list of words: CLIP has 49,408. */
const MAX_TOKENS = 5000;
const END = "</w>";

const vocabJson = z.record(z.string(), z.int());
const tokenizerJson = z.object({
  model: z.object({ vocab: vocabJson, merges: z.array(z.union([z.string(), z.array(z.string())])) }),
});

/** The words of a small vocabulary, and what they are put together from. */
export interface Vocabulary {
  /** Everything that ends a word and is one token. */
  readonly ends: ReadonlySet<string>;
  /** Of these what is in no other word: the words themselves, and not the ends of words that a BPE goes through. */
  readonly words: readonly string[];
}

/** Of a `tokenizer.json`, or of `vocab.json` and `merges.txt`; null where it is large, or none of a BPE with ends of words. */
export function readVocabulary(
  file: { readonly tokenizer: string } | { readonly vocab: string; readonly merges: string },
): Vocabulary | null {
  const parsed =
    "tokenizer" in file
      ? tokenizerJson.safeParse(json(file.tokenizer)).data?.model
      : { vocab: vocabJson.safeParse(json(file.vocab)).data, merges: file.merges.split(/\r?\n/).slice(1) };
  if (!parsed?.vocab || Object.keys(parsed.vocab).length > MAX_TOKENS) return null;
  const ends = new Set(
    Object.keys(parsed.vocab)
      .filter((token) => token.endsWith(END))
      .map((token) => token.slice(0, -END.length)),
  );
  const parts = new Set(parsed.merges.map((merge) => (typeof merge === "string" ? merge.split(" ") : merge)[1]));
  const words = [...ends].filter((word) => /^\p{L}{2,}$/u.test(word) && !parts.has(word + END));
  return words.length === 0 ? null : { ends, words: words.toSorted() };
}

function json(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** All that a prompt may hold. Words of the suggestions count too: “at” is a word, and the end of “boat”. */
export function wordsKnown({ ends, words }: Vocabulary, suggestions: readonly string[]): string[] {
  const used = suggestions
    .flatMap((text) => text.toLowerCase().match(/\p{L}+/gu) ?? [])
    .filter((word) => ends.has(word));
  return [...new Set([...words, ...used])].toSorted();
}
