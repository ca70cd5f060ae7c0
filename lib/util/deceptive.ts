/**
 * The one rule of what a text of strangers may not hold because it shows as something else than it is: what hides, turns or stacks, and
 * for names also letters that pass for others. What is stored already stays as it is; `printable` writes it out where it is told.
 */

/** Controls, bidirectional marks, zero widths, fillers, private and half characters: each of them in a text. */
export const HIDDEN =
  /[\p{Cc}\p{Cf}\p{Cs}\p{Co}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Noncharacter_Code_Point}\u2800\ufffc]/gu;
const isHidden = (text: string): boolean => text.search(HIDDEN) !== -1; // which `test` would go on from where it was
const emoji = /\p{RGI_Emoji}/gv; // whole ones are joined by characters that would be hidden alone
const stacked = /(?:^|[\s/])\p{M}|\p{M}{5}/u;
const oddSpace = /[^\P{Zs} ]/u;
const word = /[\p{L}\p{M}]+/gu;

/** Scripts whose letters pass for one another's. */
const alike = [
  /\p{Script=Latin}/u,
  /\p{Script=Cyrillic}/u,
  /\p{Script=Greek}/u,
  /\p{Script=Armenian}/u,
  /\p{Script=Coptic}/u,
  /\p{Script=Cherokee}/u,
  /\p{Script=Lisu}/u,
  /\p{Script=Deseret}/u,
] as const;
/** Other letters that are read as Latin ones. */
const passesForLatin = /^[аАВвсСеЕНіІјЈКМоОрРѕЅТуУхХһԁԛԝԌοΟνΑΒΕΖΗΙΚΜΝΡΤΥΧρυ]+$/u;

/** Why a line of text deceives, in words that complete «it …»; null where it does not. Whole emoji may be in it. */
export function deceitInLine(text: string): string | null {
  const rest = text.replaceAll(emoji, "x");
  if (isHidden(rest)) return "holds a line break, or a character that is invisible or turns the direction of text";
  if (stacked.test(rest)) return "holds marks that lie on other characters than their own";
  return null;
}

/** The same of a name that people tell from others by looking at it. */
export function deceitInName(text: string): string | null {
  if (oddSpace.test(text)) return "holds a space that is none; write a plain one";
  const mixed = (text.match(word) ?? []).find((one) => alike.filter((script) => script.test(one)).length > 1);
  if (mixed !== undefined) return `has letters of several scripts in one word, «${mixed}», that pass for one another`;
  return deceitInLine(text);
}

/** The same of an identifier, which is also typed. No emoji, one spelling, and nothing that is read as Latin and is not. */
export function deceitInIdentifier(text: string): string | null {
  if (isHidden(text)) return deceitInLine("\u200b");
  if (text !== text.normalize("NFKC")) return "holds characters that are other spellings of plain ones";
  const foreign = (text.match(word) ?? []).find((one) => passesForLatin.test(one));
  if (foreign !== undefined) return `is read as Latin letters, and «${foreign}» is of others`;
  return deceitInName(text);
}
