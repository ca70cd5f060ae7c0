import { HIDDEN } from "./deceptive.ts";

/**
 * Text of strangers, safe for a terminal: control characters, escape sequences, and what turns or hides text (bidirectional
 * marks, zero widths) are written out as escapes.
 */
export const printable = (text: string): string =>
  text.replaceAll(HIDDEN, (character) => escapes.get(character) ?? `\\u{${character.codePointAt(0)!.toString(16)}}`);

const escapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);
