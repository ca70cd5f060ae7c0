import { toPlainLine } from "#lib/util/deceptive.ts";
import type { Card } from "#lib/catalog/cards/schema.ts";

const MAX_PROMPT = 2000;

/** Prompts that a card shows: its widget's texts, as diffusers' and other trainers write them. Values of another kind are passed over. */
export function promptsOfCard({ frontMatter }: Pick<Card, "frontMatter">): string[] {
  const { widget, examples, prompts } = frontMatter;
  return [widget, examples, prompts].flatMap((list) =>
    Array.isArray(list) ? (list as unknown[]).flatMap(textOf) : [],
  );
}

/** What a card says brings out the style. */
export function triggersOfCard({ frontMatter }: Pick<Card, "frontMatter">): string[] {
  const {
    instance_prompt: instance,
    trigger,
    trigger_word: word,
    trigger_words: words,
    trained_words: trained,
  } = frontMatter;
  return [instance, trigger, word, words, trained].flatMap((value) =>
    (Array.isArray(value) ? (value as unknown[]) : [value]).flatMap((one) => toLine(one) ?? []),
  );
}

const textOf = (entry: unknown): string[] => {
  const text =
    typeof entry === "object" && entry !== null
      ? ((entry as Record<string, unknown>)["text"] ?? (entry as Record<string, unknown>)["prompt"])
      : entry;
  return toLine(text) === null ? [] : [toLine(text)!];
};

/** As a prompt may be: one line without what controls a page. */
export function toLine(value: unknown): string | null {
  if (typeof value !== "string") return null;
  const line = toPlainLine(value);
  return line === "" || line === "-" || line.length > MAX_PROMPT ? null : line;
}
