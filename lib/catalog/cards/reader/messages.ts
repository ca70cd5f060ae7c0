import { z } from "zod";
import type { CardFacts } from "../facts.ts";
import { cardFacts } from "../schema.ts";

/** What is asked of a reader, one at a time. */
export type Task =
  | { readonly kind: "facts"; readonly yaml: string | null; readonly text: string }
  | { readonly kind: "html"; readonly text: string };

export interface Facts {
  readonly frontMatter: Record<string, unknown>;
  readonly facts: CardFacts;
}

export type Reading<T extends Task> = T extends { kind: "facts" } ? Facts : string;

/** As it came out of JSON: z.record would leave out a key `__proto__`, which is a name like any other there. */
const frontMatter = z.custom<Record<string, unknown>>(
  (value) => typeof value === "object" && value !== null && !Array.isArray(value),
);

/** What a reader says. A refusal is a sentence for people. It has read a stranger's text, so nothing that it says is taken on trust. */
export const answer = z.union([
  z.object({ type: z.literal("ready") }),
  z.object({ type: z.literal("refused"), why: z.string().max(4000) }),
  z.object({
    type: z.literal("facts"),
    value: z.object({ frontMatter, facts: cardFacts }),
  }),
  z.object({ type: z.literal("html"), value: z.string() }),
]);

export type Answer = z.output<typeof answer>;

/** Of one message: a task of 256 KiB, or a layout of 512, at two bytes a letter. */
export const MOST_BYTES = 4 * 2 ** 20;

/** Of processor time, all threads together. */
export const CPU_MS: Readonly<Record<Task["kind"], number>> = { facts: 1000, html: 2000 };
export const HEAP_MB = 192;
