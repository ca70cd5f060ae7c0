import { z } from "zod";
import type { PairView } from "#lib/catalog/pairs/schema.ts";

/** The database keeps no order of names. */
const first: readonly string[] = ["prompt", "conditional", "guide", "cfg"];

const value = z.looseObject({ prompt: z.string() });

/**
 * What every prompt gave, as a table: a line for each, a column for each mode. Of what was measured by an older protocol the columns
 * that it had.
 */
export function* valueRows({ measurements }: Pick<PairView, "measurements">): Generator<(string | number | null)[]> {
  const raw = z.array(value).safeParse(measurements.find(({ level }) => level === 4)?.raw ?? []);
  const rows = raw.success ? raw.data.map(withOthers) : [];
  const others = [...new Set(rows.flatMap((row) => Object.keys(row)))].filter((column) => !first.includes(column));
  const columns = [...first, ...others.toSorted()].filter((column) =>
    rows.every((row) => ["string", "number", "undefined"].includes(typeof (row[column] ?? undefined))),
  );
  yield columns;
  for (const row of rows) yield columns.map((column) => (row[column] as string | number | undefined) ?? null);
}

const scores = z.array(z.record(z.string(), z.unknown()));

/** What further evaluators read in the same pictures, in columns of their own: “evaluator 2, guide”. */
function withOthers({ others, ...row }: z.output<typeof value>): z.output<typeof value> {
  const columns = (scores.safeParse(others).data ?? []).flatMap((its, i) =>
    Object.entries(its).map(([mode, score]) => [`evaluator ${i + 2}, ${mode}`, score]),
  );
  return { ...row, prompt: row.prompt, ...Object.fromEntries(columns) };
}

/** What every prompt gave in every way that it was drawn: a line for each of both. */
export function* wayRows({ curve }: Pick<PairView, "curve">): Generator<(string | number)[]> {
  yield ["mode", "guidanceScale", "cfgSteps", "sampler", "steps", "prompt", "kept", "distance"];
  const { prompts = [], ways = [] } = curve?.raw ?? {};
  for (const { mode, guidanceScale, cfgSteps, sampler, steps, kept, distance } of ways)
    for (const [i, prompt] of prompts.entries())
      yield [mode, guidanceScale, cfgSteps, sampler, steps, prompt, kept[i]!, distance[i]!];
}

/** What every prompt gave at every setting that was tried: a line for each of both. */
export function* trialRows({ envelope }: Pick<PairView, "envelope">): Generator<(string | number)[]> {
  yield ["mode", "guidanceScale", "guideStrength", "cfgSteps", "sampler", "steps", "prompts", "prompt", "kept"];
  const { prompts = [], trials = [] } = envelope?.raw ?? {};
  const chosenOn = envelope?.found?.n ?? 0;
  for (const { mode, guidanceScale, guideStrength, cfgSteps, sampler, steps, prompts: of, kept } of trials) {
    const words = of === "others" ? prompts.slice(chosenOn) : prompts.slice(0, chosenOn);
    for (const [i, prompt] of words.entries())
      yield [mode, guidanceScale, guideStrength, cfgSteps, sampler, steps, of, prompt, kept[i]!];
  }
}
