import { changeHidden, HIDDEN } from "./deceptive.ts";

/**
 * Text of strangers, safe for a terminal: control characters, escape sequences, and what turns or hides text (bidirectional
 * marks, zero widths) are written out as escapes.
 */
export const printable = (text: string): string =>
  text.replaceAll(HIDDEN, (character) => escapes.get(character) ?? escaped(character));

/** A file of text as a page shows it: what hides in its lines or turns them is written out. */
export const printableLines = (text: string): string => changeHidden(text, escaped);

const escaped = (character: string): string => `\\u{${character.codePointAt(0)!.toString(16)}}`;

const escapes: ReadonlyMap<string, string> = new Map([
  ["\n", "\\n"],
  ["\r", "\\r"],
  ["\t", "\\t"],
]);
