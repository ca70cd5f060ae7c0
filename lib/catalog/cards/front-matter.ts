import { parseDocument } from "yaml";
import { AppError } from "#lib/errors.ts";
import { toStorableText } from "#lib/util/storable.ts";
import type { Card } from "./schema.ts";

/** Of README.md; the rest is not shown. */
export const MAX_CARD_BYTES = 256 * 1024;
const MAX_FRONT_MATTER_BYTES = 64 * 1024;
const MAX_ALIASES = 100; // each may repeat what it names: an alias bomb needs more
const MAX_DEPTH = 32;

/** What a card says of its repo. Null: it does not say. */
export interface CardFacts {
  readonly license: string | null;
  readonly tags: readonly string[] | null;
  readonly summary: string | null;
  /** «owner/repo» */
  readonly base: string | null;
}

/** The front matter and the text of a README.md. Never throws: what cannot be used is a warning. */
export function parseCard(bytes: Uint8Array): Card {
  const isCut = bytes.byteLength > MAX_CARD_BYTES;
  const whole = decode(bytes.subarray(0, MAX_CARD_BYTES));
  if (whole === null)
    return { frontMatter: {}, text: "", isCut, warnings: ["README.md is not UTF-8 text; save it as UTF-8."] };
  const [, yaml, text] = /^---[ \t]*\r?\n([^]*?)(?<=\n)---[ \t]*(?:\r?\n([^]*))?$/.exec(whole) ?? [];
  if (yaml === undefined) return { frontMatter: {}, text: whole, isCut, warnings: [] };
  try {
    return { frontMatter: parseFrontMatter(yaml), text: text ?? "", isCut, warnings: [] };
  } catch (cause) {
    return {
      frontMatter: {},
      text: text ?? "",
      isCut,
      warnings: [
        `The front matter of README.md cannot be used: ${cause instanceof AppError ? cause.message : firstLine(cause)}`,
      ],
    };
  }
}

/** A cut may fall into a character; that is not the writer's fault. */
function decode(bytes: Uint8Array): string | null {
  try {
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: bytes.byteLength === MAX_CARD_BYTES });
  } catch {
    return null;
  }
}

const firstLine = (cause: unknown): string => String(cause instanceof Error ? cause.message : cause).split("\n")[0]!;

function parseFrontMatter(yaml: string): Record<string, unknown> {
  requireShort(yaml);
  const document = parseDocument(yaml, { schema: "core", logLevel: "silent" });
  if (document.errors[0]) throw document.errors[0];
  const value: unknown = document.toJS({ maxAliasCount: MAX_ALIASES });
  if (value === null) return {};
  if (typeof value !== "object" || Array.isArray(value))
    refuse("it is not a list of «name: value»; write it like license: apache-2.0.");
  const json = toJson(value, 0) as Record<string, unknown>;
  requireShort(JSON.stringify(json));
  return json;
}

function requireShort(text: string): void {
  if (Buffer.byteLength(text) > MAX_FRONT_MATTER_BYTES)
    refuse(`it is longer than ${MAX_FRONT_MATTER_BYTES} bytes, or its aliases make it so; keep the text below it.`);
}

function refuse(sentence: string): never {
  throw new AppError("bad_request", sentence);
}

/** As the database can keep it: JSON without NUL and halves of characters, and not deep. */
function toJson(value: unknown, depth: number): unknown {
  if (depth > MAX_DEPTH) refuse(`it is nested more than ${MAX_DEPTH} deep; make it flatter.`);
  if (typeof value === "string") return toStorableText(value);
  if (typeof value === "number") return Number.isFinite(value) ? value : String(value);
  if (typeof value !== "object" || value === null) return value;
  if (Array.isArray(value)) return value.map((each) => toJson(each, depth + 1));
  return Object.fromEntries(
    Object.entries(value).map(([name, each]) => [toStorableText(name), toJson(each, depth + 1)]),
  );
}

/** Plain names and lines out of a card. Values of another kind or length are passed over. */
export function factsOf({ frontMatter, text }: Card): CardFacts {
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
  const line = value.replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ").trim();
  return line === "" || line.length > max ? null : line;
}

function wholeWords(text: string): string {
  const end = text.lastIndexOf(" ");
  return end > 0 ? text.slice(0, end) : text;
}

/** The first paragraph of prose, without its marks, cut at a word. */
function firstSentences(text: string): string | null {
  for (const paragraph of text.slice(0, 20_000).split(/\n[^\S\n]*\n/)) {
    if (!/^\n*\s{0,3}[\p{L}\p{N}«"*_[(]/u.test(paragraph)) continue; // a heading, a picture, a table, code, HTML
    const plain = paragraph
      .replaceAll(/!?\[([^\]\n]{0,200})\]\([^)\n]{0,2000}\)/g, "$1")
      .replaceAll(/[*_`]/g, "")
      .replaceAll(/[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\s]+/gu, " ")
      .trim();
    if (plain !== "") return plain.length <= 300 ? plain : `${wholeWords(plain.slice(0, 299))}…`;
  }
  return null;
}
