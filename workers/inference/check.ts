import { checkPair } from "#lib/measure/pair-check.ts";
import type { CheckJob, Report, ResultOf } from "./messages.ts";

/** Measures a pair, with progress between passes. */
export async function check({ choice, runtime, type: _, ...request }: CheckJob, report: Report): Promise<ResultOf<CheckJob>> {
  const pair = { ...request, ...choice };
  return { type: "checked", report: await checkPair(pair, runtime, (stage, done, total) => report({ stage, done, total })) };
}
