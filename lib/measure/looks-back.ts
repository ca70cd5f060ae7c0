import { planOf } from "#lib/pairing/plan.ts";
import { type Recovery, recoveryOf, type Scores } from "#lib/pairing/recovery.ts";

/** What a look of the plan said. */
export interface LookBack extends Recovery {
  readonly prompts: number;
}

/** What every look saw of these prompts, each by its own part of the error that this guide may spend. */
export const looksBack = (scores: readonly Scores[], tries: number): LookBack[] =>
  planOf(tries)
    .filter(({ prompts }) => prompts <= scores.length)
    .map((look) => ({ prompts: look.prompts, ...recoveryOf(scores.slice(0, look.prompts), look) }));
