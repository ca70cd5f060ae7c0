import { withoutHidden } from "./deceptive.ts";

/** Whether PostgreSQL can keep a text and look for it: it takes no NUL and no half of a character. */
export const isStorableText = (text: string): boolean => text.isWellFormed() && !text.includes("\0");

/** Text out of strangers' files as it is kept to be shown: without NUL, halves of characters, and what hides in it or turns it. */
export const toStorableText = (text: string): string => withoutHidden(text.toWellFormed().replaceAll("\0", "\ufffd"));

/** The same for every text within a value that JSON can write; what JSON cannot write becomes null or is left out, as it does. */
export function toStorableJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value), (_key, part: unknown) => {
    if (typeof part === "string") return toStorableText(part);
    if (typeof part !== "object" || part === null || Array.isArray(part)) return part;
    return Object.fromEntries(Object.entries(part).map(([name, each]) => [toStorableText(name), each]));
  });
}
