import type { Matrix } from "#lib/catalog/pairs/schema.ts";
import { type CsvCell, csvLine } from "#lib/util/csv.ts";
import { standingOf, wordOf } from "../_ui/verdict.tsx";

export type Cell = Matrix["items"][number]["cells"][number];

/** Measured, and nothing could be told of it: not the same as nobody having looked. */
export const isWithoutVerdict = ({ state, verdict }: Pick<Cell, "state" | "verdict">): boolean =>
  state === "measured" && verdict === "notMeasured";

const saidOf = (cell: Pick<Cell, "state" | "verdict">): string =>
  isWithoutVerdict(cell) ? "measured, without a verdict" : wordOf(standingOf(cell));

export const csvHead = [
  "model",
  "guide",
  "state",
  "R",
  "R_low",
  "R_high",
  "n",
  "stale",
  "measured_at",
  "pair",
] as const;

/** A table as lines, one for each pair, the way the page says it. What is not measured has no number. */
export function csvLines({ guides, items }: Pick<Matrix, "guides" | "items">, hub: string): string {
  const lines = items.flatMap(({ repo, cells }) => cells.map((cell, at) => lineOf(repo, guides[at]!.repo, cell, hub)));
  return lines.map(csvLine).join("");
}

function lineOf(model: string, guide: string, cell: Cell, hub: string): readonly CsvCell[] {
  const { recovered, n, stale, measuredAt, pair } = cell;
  return [
    model,
    guide,
    saidOf(cell),
    recovered && recovered.value,
    recovered && recovered.low,
    recovered && recovered.high,
    recovered?.n ?? n,
    stale,
    measuredAt,
    pair && `${hub}/pairs/${pair}`,
  ];
}
