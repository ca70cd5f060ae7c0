import { Estimate, type Measured } from "../_ui/estimate.tsx";
import { standingOf, Verdict } from "../_ui/verdict.tsx";
import { type Cell, isWithoutVerdict, saidOf } from "./words.ts";

interface PairCellProps {
  readonly model: string;
  readonly guide: string;
  readonly cell: Cell;
}

/** What is known of one pair: a way to its evidence, or the button that measures it. */
export function PairCell({ model, guide, cell }: PairCellProps) {
  if (cell.pair === null) {
    return (
      <form method="post" action="/pairs/measure" className="flex items-center gap-x-3 max-sm:justify-end sm:flex-col sm:items-start">
        <input type="hidden" name="finetune" value={model} />
        <input type="hidden" name="guide" value={guide} />
        <Verdict standing="notMeasured" />
        <button type="submit" aria-label={`Measure ${guide} on ${model}`} className="cursor-pointer text-small text-accent underline decoration-1 underline-offset-3">
          Measure it
        </button>
      </form>
    );
  }
  return (
    <a href={`/pairs/${cell.pair}`} aria-label={`${model} with ${guide}: ${spoken(cell)}`} className="block text-ink no-underline hover:underline max-sm:text-right">
      {isWithoutVerdict(cell) ? <span className="font-medium text-quiet">no verdict{cell.stale && " · stale"}</span> : <Verdict standing={standingOf(cell)} stale={cell.stale} />}
      <span className="mt-0.5 block">
        {cell.recovered ? (
          <>
            <Whisker of={cell.recovered} />
            <Estimate of={cell.recovered} />
          </>
        ) : (
          <span className="text-small text-quiet">{isWithoutVerdict(cell) ? `measured, but R cannot be told, n = ${cell.n ?? 0}` : cell.state === "failed" ? "see why" : ""}</span>
        )}
      </span>
    </a>
  );
}

function spoken(cell: Cell): string {
  const { recovered, stale } = cell;
  const word = `${saidOf(cell)}${stale ? ", stale" : ""}`;
  return recovered ? `${word}, R ${recovered.value.toFixed(2)}, between ${recovered.low.toFixed(2)} and ${recovered.high.toFixed(2)}, n = ${recovered.n}` : word;
}

const WIDTH = 120;
const [FROM, TO] = [-0.25, 1.25];
const x = (value: number): number => ((Math.min(TO, Math.max(FROM, value)) - FROM) / (TO - FROM)) * WIDTH;

/** R and its interval between the two lines that it is read against: 0 is no guide at all, 1 is all that CFG adds. */
function Whisker({ of: { value, low, high } }: { readonly of: Measured }) {
  return (
    <svg viewBox={`0 0 ${WIDTH} 12`} width={WIDTH} height="12" aria-hidden className="my-1 block max-sm:ml-auto">
      {[0, 1].map((reference) => (
        <line key={reference} x1={x(reference)} x2={x(reference)} y1="0" y2="12" className="stroke-line" strokeWidth="1.5" />
      ))}
      <line x1={x(low)} x2={x(high)} y1="6" y2="6" className="stroke-guide" strokeWidth="2" strokeLinecap="round" />
      <path d={`M${x(value)} 1.5 l4.5 4.5 l-4.5 4.5 l-4.5 -4.5z`} className="fill-guide" />
    </svg>
  );
}
