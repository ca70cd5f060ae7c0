import { scaleLinear } from "d3-scale";
import type { Measured } from "../estimate.tsx";
import { type Mode, modeNames, modes } from "../mode.tsx";
import { ChartData } from "./data.tsx";

const [WIDTH, ROW] = [420, 34];
const MARGIN = { top: 8, right: 16, bottom: 36, left: 92 };
const HEIGHT = MARGIN.top + modes.length * ROW + MARGIN.bottom;
const colours: Readonly<Record<Mode, string>> = { conditional: "text-conditional", guide: "text-guide", cfg: "text-cfg" };

/** One measured share for each mode, with its 95 % whiskers; named directly, drawn on the server. */
export function ModeDots({ id, title, finding, xName, values }: { readonly id: string; readonly title: string; readonly finding: string; readonly xName: string; readonly values: Readonly<Record<Mode, Measured>> }) {
  const all = modes.flatMap((mode) => [values[mode].low, values[mode].high]);
  const x = scaleLinear().domain([Math.max(0, Math.min(...all) - 0.03), Math.min(1, Math.max(...all) + 0.03)]).nice(5).range([MARGIN.left, WIDTH - MARGIN.right]);
  return (
    <figure className="min-w-0">
      <figcaption className="mb-1 font-medium">{title}</figcaption>
      <svg viewBox={`0 0 ${WIDTH} ${HEIGHT}`} role="img" aria-labelledby={`${id}-title`} className="w-full max-w-[520px] text-ink" fontSize="11">
        <title id={`${id}-title`}>{`${title}. ${finding}`}</title>
        {x.ticks(5).map((tick) => (
          <g key={tick} transform={`translate(${x(tick)} 0)`} className="text-line">
            <line y1={MARGIN.top} y2={HEIGHT - MARGIN.bottom} stroke="currentColor" />
            <text y={HEIGHT - MARGIN.bottom + 15} textAnchor="middle" className="fill-quiet">
              {x.tickFormat(5)(tick)}
            </text>
          </g>
        ))}
        <text x={(MARGIN.left + WIDTH - MARGIN.right) / 2} y={HEIGHT - 4} textAnchor="middle" className="fill-quiet">
          {xName}
        </text>
        {modes.map((mode, index) => {
          const { value, low, high } = values[mode];
          return (
            <g key={mode} transform={`translate(0 ${MARGIN.top + (index + 0.5) * ROW})`} className={colours[mode]} fill="currentColor" stroke="currentColor">
              <text x={MARGIN.left - 10} dy="0.35em" textAnchor="end" stroke="none" fontSize="12" fontWeight="500">
                {modeNames[mode]}
              </text>
              <line x1={x(low)} x2={x(high)} strokeWidth={mode === "guide" ? 2.5 : 1.5} strokeDasharray={mode === "cfg" ? "5 3" : undefined} />
              <path d={`M${x(low)}-5v10M${x(high)}-5v10`} strokeWidth="1.5" />
              <g transform={`translate(${x(value)} 0)`}>
                {mode === "conditional" && <circle r="4.5" className="fill-surface" strokeWidth="1.5" />}
                {mode === "guide" && <path d="M0-6 6 0 0 6-6 0z" stroke="none" />}
                {mode === "cfg" && <rect x="-4.5" y="-4.5" width="9" height="9" className="fill-surface" strokeWidth="2" />}
              </g>
              <text x={x(value)} y="-9" textAnchor="middle" stroke="none">
                {value.toFixed(2)}
              </text>
            </g>
          );
        })}
      </svg>
      <ChartData name={title} head={["mode", xName, "low", "high", "n"]} rows={modes.map((mode) => [modeNames[mode], ...[values[mode].value, values[mode].low, values[mode].high].map((each) => each.toFixed(3)), String(values[mode].n)])} />
    </figure>
  );
}
