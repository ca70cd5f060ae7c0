import { AppError } from "#lib/errors.ts";
import { toStorableText } from "#lib/util/storable.ts";
import type { CardFacts } from "./facts.ts";
import { HEAP_MB, CPU_MS } from "./reader/messages.ts";
import { Garbled, TooMuch } from "./reader/process.ts";
import { readers } from "./reader/readers.ts";
import { splitMarkdown } from "./split.ts";

/** What stands in a file of Markdown. */
export interface MarkdownText {
  readonly frontMatter: Record<string, unknown>;
  readonly facts: CardFacts;
  readonly text: string;
  readonly isCut: boolean;
  readonly warnings: readonly string[];
}

/** All that the hub says of it. */
export interface Markdown extends MarkdownText {
  /** Safe to show; null where it is shown as text. */
  readonly html: string | null;
  /** Why it is shown as text, for people; null where it is not, or is not laid out yet. */
  readonly problem: string | null;
}

export const isLaidOut = ({ html, problem }: Pick<Markdown, "html" | "problem">): boolean =>
  html !== null || problem !== null;

/** Counts up when a text would be read or laid out otherwise: what was kept is then read anew. */
export const READER_VERSION = 2;

/** A text that is being read: what stands in it is known long before what it looks like. */
export interface MarkdownReading {
  readonly text: Promise<MarkdownText>;
  readonly whole: Promise<Markdown>;
}

/**
 * Reads a file of Markdown in a process of its own. What cannot be used, or is too much, is a warning or a problem. Either part fails with
 * queue_full or rate_limited.
 * @param who whose turn it takes
 */
export function beginReading(bytes: Uint8Array, who: string): MarkdownReading {
  const { yaml, text, isCut, warnings } = splitMarkdown(bytes);
  const read = async (): Promise<MarkdownText> => {
    const [found, refusal] = await withFrontMatter(yaml, text, who);
    const more = refusal === null ? [] : [`The front matter cannot be used: ${refusal}`];
    return { ...found, text: toStorableText(text), isCut, warnings: [...warnings, ...more] };
  };
  const layOutAfter = async (before: Promise<MarkdownText>): Promise<Markdown> => {
    const found = await before;
    const [html, problem] = await layOut(found.text, who);
    return { ...found, html, problem };
  };
  const reading = read();
  const parts = { text: reading, whole: layOutAfter(reading) };
  for (const part of Object.values(parts)) part.catch(() => {}); // whoever waits for one need not wait for the other
  return parts;
}

async function withFrontMatter(
  yaml: string | null,
  text: string,
  who: string,
): Promise<readonly [Pick<MarkdownText, "frontMatter" | "facts">, string | null]> {
  const beginning = text.slice(0, 20_000); // what a summary is taken from
  try {
    return [await readers().read(who, { kind: "facts", yaml, text: beginning }), null];
  } catch (cause) {
    if (yaml === null) throw cause;
    const why = whyNot(
      cause,
      "its reader failed at it; make it plainer.",
      `it takes more than ${CPU_MS.facts / 1000} s to read; make it shorter.`,
    );
    return [await readers().read(who, { kind: "facts", yaml: null, text: beginning }), why];
  }
}

async function layOut(text: string, who: string): Promise<readonly [html: string | null, problem: string | null]> {
  try {
    return [await readers().read(who, { kind: "html", text }), null];
  } catch (cause) {
    const most = `${CPU_MS.html / 1000} s or ${HEAP_MB} MB`;
    const failed = "It is shown as it was written, for its reader failed at it.";
    return [null, whyNot(cause, failed, `It is shown as it was written, for laying it out takes more than ${most}.`)];
  }
}

function whyNot(cause: unknown, failed: string, tooMuch: string): string {
  if (cause instanceof Garbled) return failed;
  if (cause instanceof TooMuch) return tooMuch;
  if (cause instanceof AppError && cause.code === "bad_request") return cause.message;
  throw cause;
}
