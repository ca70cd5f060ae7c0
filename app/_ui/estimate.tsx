/** A number that was measured, with its 95% interval and how many samples it rests on. */
export interface Measured {
  readonly value: number;
  readonly low: number;
  readonly high: number;
  readonly n: number;
}

/** A number is never without its interval and its n; where there is none yet, “not measured”. */
export function Estimate({ of, digits = 2 }: { readonly of: Measured | null; readonly digits?: number }) {
  if (!of) return <span className="text-quiet">not measured</span>;
  return (
    <span className="whitespace-nowrap">
      {of.value.toFixed(digits)}{" "}
      <span className="text-small text-quiet">
        <span className="sr-only">between </span>[{of.low.toFixed(digits)}, {of.high.toFixed(digits)}] n = {of.n}
      </span>
    </span>
  );
}
