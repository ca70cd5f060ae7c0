/** The words of a prompt that are not in a small vocabulary, as they are spelt, each once. */
export function unknownWords(prompt: string, words: readonly string[]): string[] {
  const known = new Set(words);
  return [...new Set(prompt.match(/\p{L}[\p{L}\p{M}]*/gu))].filter((word) => !known.has(word.toLowerCase()));
}

/** Some of a vocabulary to show: long words first, for these are the things that can be drawn. */
export const someWords = (words: readonly string[], count: number): string[] =>
  words
    .toSorted((a, b) => b.length - a.length || (a < b ? -1 : 1))
    .slice(0, count)
    .toSorted();
