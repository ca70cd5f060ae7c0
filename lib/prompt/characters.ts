/**
 * Which characters Python's regular expressions count as blank (`\s`): it differs from JavaScript's at U+FEFF and six
 * controls.
 */
export const isBlank = (character: string | undefined): boolean =>
  character !== undefined && character !== "\ufeff" && (/\s/.test(character) || controls.has(character));

const controls = new Set("\u001c\u001d\u001e\u001f\u0085");

/** Whether Python's `\w` matches: letters and numbers of any script, and the underscore. */
export const isWord = (character: string | undefined): boolean => character !== undefined && word.test(character);

const word = /[\p{L}\p{N}_]/u;

/** The whole character that ends before `index`, or undefined at the beginning. */
export function characterBefore(text: string, index: number): string | undefined {
  const isPair = /[\udc00-\udfff]/.test(text[index - 1] ?? "") && /[\ud800-\udbff]/.test(text[index - 2] ?? "");
  return index <= 0 ? undefined : text.slice(index - (isPair ? 2 : 1), index);
}

/** The whole character that begins at `index`, or undefined at the end. */
export const characterAt = (text: string, index: number): string | undefined =>
  index < text.length ? String.fromCodePoint(text.codePointAt(index)!) : undefined;

/** The first index from `index` on whose character is not blank. */
export function skipBlanks(text: string, index: number): number {
  while (isBlank(text[index])) index++;
  return index;
}
