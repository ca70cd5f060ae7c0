import type { DrawnFrom } from "#lib/pairing/period-secret.ts";
import { lastLook } from "#lib/pairing/plan.ts";
import type { Evaluator } from "./evaluator.ts";
import { plainPrompts } from "./prompts.ts";

/**
 * What the hub draws; else a person's prompts, and behind them what the evaluator composes of its own words or plain ones. Each counts
 * once: a prompt that stands in a list again tells little new, and a list of one line nothing.
 */
export function sequenceFor(
  evaluators: readonly Evaluator[],
  { prompts, draw = null }: { readonly prompts: readonly string[] | null; readonly draw?: DrawnFrom | null },
): readonly string[] {
  const most = lastLook.prompts;
  const count = most + (prompts?.length ?? 0);
  const own = evaluators.map((one) => one.ownPrompts(count, draw?.key ?? null)).find((words) => words !== null) ?? [];
  const given = prompts ?? (own.length > 0 ? [] : plainPrompts(draw?.key ?? null));
  return [...new Set([...given, ...own])].slice(0, most);
}
