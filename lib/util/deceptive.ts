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

/** What may stand in prose: whole emoji, marks that join letters of scripts which are written with them, ends of lines, tabs. */
const rightful =
  /\p{RGI_Emoji}|(?<=[\p{scx=Arab}\p{scx=Beng}\p{scx=Deva}\p{scx=Gujr}\p{scx=Guru}\p{scx=Khmr}\p{scx=Knda}\p{scx=Mlym}\p{scx=Mymr}\p{scx=Orya}\p{scx=Sinh}\p{scx=Syrc}\p{scx=Taml}\p{scx=Telu}])[\u200c\u200d]|[\n\r\t]/gv;

/** Text of strangers, of one line or many, as a page shows it: without what hides in it or turns it. */
export const withoutHidden = (text: string): string => changeHidden(text, () => "");

/** The same in one line. */
export const toPlainLine = (text: string): string =>
  changeHidden(text, () => " ")
    .replaceAll(/\s+/gu, " ")
    .trim();

/** Changes what hides or turns, and leaves what stands there by right. */
export function changeHidden(text: string, change: (character: string) => string): string {
  if (!isHidden(text)) return text;
  let [shown, at] = ["", 0];
  for (const { 0: kept, index } of text.matchAll(rightful)) {
    shown += text.slice(at, index).replaceAll(HIDDEN, change) + kept;
    at = index + kept.length;
  }
  return shown + text.slice(at).replaceAll(HIDDEN, change);
}

/** Why a text of lines deceives, as `deceitInLine` says it. Joiners of scripts that are written with them may be in it. */
export const deceitInProse = (text: string): string | null =>
  deceitInLine(
    text.replaceAll(rightful, (kept) => (/[\n\r\t]/.test(kept) ? " " : /[\u200c\u200d]/.test(kept[0]!) ? "" : "x")),
  );

/** Why a line of text deceives, in words that complete “it …”; null where it does not. Whole emoji may be in it. */
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
  if (mixed !== undefined) return `has letters of several scripts in one word, “${mixed}”, that pass for one another`;
  return deceitInLine(text);
}

/** The same of an identifier, which is also typed. No emoji, one spelling, and nothing that is read as Latin and is not. */
export function deceitInIdentifier(text: string): string | null {
  if (isHidden(text)) return deceitInLine("\u200b");
  if (text !== text.normalize("NFKC")) return "holds characters that are other spellings of plain ones";
  const foreign = (text.match(word) ?? []).find((one) => passesForLatin.test(one));
  if (foreign !== undefined) return `is read as Latin letters, and “${foreign}” is of others`;
  return deceitInName(text);
}
