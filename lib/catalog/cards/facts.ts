import type { z } from "zod";
import { toPlainLine } from "#lib/util/deceptive.ts";
import type { cardFacts } from "./schema.ts";

/** What a card says of its repo. Null: it does not say. */
export type CardFacts = z.output<typeof cardFacts>;

/** Plain names and lines out of a card. Values of another kind or length are passed over. */
export function factsOf(frontMatter: Readonly<Record<string, unknown>>, text: string): CardFacts {
  const { license, tags, summary, base_model: base } = frontMatter;
  const named = Array.isArray(base) ? (base as unknown[])[0] : base;
  return {
    license: toLine(license, 100),
    tags: Array.isArray(tags) ? [...new Set(tags.flatMap((tag) => toLine(tag, 100) ?? []))].slice(0, 100) : null,
    summary: toLine(summary, 300) ?? firstSentences(text),
    base: typeof named === "string" && /^[\w.-]{1,96}\/[\w.-]{1,96}$/.test(named) ? named : null,
  };
}

function toLine(value: unknown, max: number): string | null {
  if (typeof value !== "string") return null;
  const line = toPlainLine(value);
  return line === "" || line.length > max ? null : line;
}

/** The first paragraph of prose, without its marks, cut at a word. */
function firstSentences(text: string): string | null {
  for (const paragraph of text.slice(0, 20_000).split(/\n[^\S\n]*\n/)) {
    if (!/^\n*\s{0,3}[\p{L}\p{N}“«"*_[(]/u.test(paragraph)) continue; // a heading, a picture, a table, code, HTML
    const plain = toPlainLine(
      paragraph.replaceAll(/!?\[([^\]\n]{0,200})\]\([^)\n]{0,2000}\)/g, "$1").replaceAll(/[*_`]/g, ""),
    );
    if (plain !== "") return plain.length <= 300 ? plain : `${wholeWords(plain.slice(0, 299))}…`;
  }
  return null;
}

function wholeWords(text: string): string {
  const end = text.lastIndexOf(" ");
  return end > 0 ? text.slice(0, end) : text;
}
