import { Estimate, type Measured } from "../_ui/estimate.tsx";
import { standingOf, Verdict } from "../_ui/verdict.tsx";
import { type Cell, isWithoutVerdict } from "./words.ts";

interface PairCellProps {
  readonly model: string;
  readonly guide: string;
  readonly cell: Cell;
}

/** What is known of one pair: a way to its evidence, and where there is none the button that measures it. */
export function PairCell({ model, guide, cell }: PairCellProps) {
  const isOpen = cell.pair === null || cell.state === "cancelled" || cell.state === "failed";
  return (
    <div className="max-sm:flex max-sm:flex-col max-sm:items-end max-sm:text-right">
      {cell.pair === null ? (
        <Verdict standing="notMeasured" />
      ) : (
        <a href={`/pairs/${cell.pair}`} className="block text-ink no-underline hover:underline">
          <span className="sr-only">
            {model} with {guide}:{" "}
          </span>
          <Known cell={cell} />
        </a>
      )}
      {isOpen && (
        <form method="post" action="/pairs/measure">
          <input type="hidden" name="finetune" value={model} />
          <input type="hidden" name="guide" value={guide} />
          <button
            type="submit"
            className="min-h-6 cursor-pointer text-small text-accent underline decoration-1 underline-offset-3"
          >
            Measure it{" "}
            <span className="sr-only">
              with {guide} on {model}
            </span>
          </button>
        </form>
      )}
    </div>
  );
}

function Known({ cell }: { readonly cell: Cell }) {
  const { recovered, n, next, stale } = cell;
  if (isWithoutVerdict(cell)) {
    return (
      <>
        <span className="block font-medium text-quiet">
          no verdict{next !== null && " yet"}
          {stale && " · stale"}
        </span>
        {recovered ? (
          <Recovered of={recovered} />
        ) : (
          <span className="text-small text-quiet">measured, but R cannot be told, n = {n ?? 0}</span>
        )}
      </>
    );
  }
  return (
    <>
      <Verdict standing={standingOf(cell)} stale={stale} />
      {recovered && <Recovered of={recovered} />}
    </>
  );
}

const Recovered = ({ of }: { readonly of: Measured }) => (
  <span className="mt-0.5 block">
    <Whisker of={of} />
    <Estimate of={of} />
  </span>
);

const WIDTH = 120;
const [FROM, TO] = [-0.25, 1.25];
const x = (value: number): number => ((Math.min(TO, Math.max(FROM, value)) - FROM) / (TO - FROM)) * WIDTH;

/** R and its interval between the two lines that it is read against: 0 is no guide at all, 1 is all that CFG adds. */
function Whisker({ of: { value, low, high } }: { readonly of: Measured }) {
  return (
    <svg viewBox={`0 0 ${WIDTH} 12`} width={WIDTH} height="12" aria-hidden className="my-1 block max-sm:ml-auto">
      {[0, 1].map((reference) => (
        <line
          key={reference}
          x1={x(reference)}
          x2={x(reference)}
          y1="0"
          y2="12"
          className="stroke-edge"
          strokeWidth="1.5"
        />
      ))}
      <line x1={x(low)} x2={x(high)} y1="6" y2="6" className="stroke-guide" strokeWidth="2" strokeLinecap="round" />
      <path d={`M${x(value)} 1.5 l4.5 4.5 l-4.5 4.5 l-4.5 -4.5z`} className="fill-guide" />
    </svg>
  );
}
