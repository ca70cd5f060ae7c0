import type { CardFacts } from "../facts.ts";

/** What is asked of a reader, one at a time. */
export type Task =
  | { readonly kind: "facts"; readonly yaml: string | null; readonly text: string }
  | { readonly kind: "html"; readonly text: string };

export interface Facts {
  readonly frontMatter: Record<string, unknown>;
  readonly facts: CardFacts;
}

export type Reading<T extends Task> = T extends { kind: "facts" } ? Facts : string;

/** What a reader says. A refusal is a sentence for people. */
export type Answer =
  | { readonly type: "ready" }
  | { readonly type: "read"; readonly value: Facts | string }
  | { readonly type: "refused"; readonly why: string };

/** Of processor time, all threads together. */
export const CPU_MS: Readonly<Record<Task["kind"], number>> = { facts: 1000, html: 2000 };
export const HEAP_MB = 192;
