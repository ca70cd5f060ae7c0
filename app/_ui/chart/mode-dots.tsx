import { scaleLinear } from "d3-scale";
import type { Measured } from "../estimate.tsx";
import { type Mode, modeColours, modeNames, modes } from "../mode.tsx";
import { ChartFrame, WIDTH } from "./frame.tsx";

const ROW = 36;
const MARGIN = { top: 6, right: 14, bottom: 38, left: 84 };
const HEIGHT = MARGIN.top + modes.length * ROW + MARGIN.bottom;
const widths: Readonly<Record<Mode, number>> = { conditional: 1.25, guide: 2.75, cfg: 1.75 };

/** One measured share for each mode, with its 95% whiskers; named directly, drawn on the server. */
export function ModeDots({
  id,
  title,
  finding,
  xName,
  values,
}: {
  readonly id: string;
  readonly title: string;
  readonly finding: string;
  readonly xName: string;
  readonly values: Readonly<Record<Mode, Measured>>;
}) {
  const all = modes.flatMap((mode) => [values[mode].low, values[mode].high]);
  const x = scaleLinear()
    .domain([Math.max(0, Math.min(...all) - 0.03), Math.min(1, Math.max(...all) + 0.03)])
    .nice(5)
    .range([MARGIN.left, WIDTH - MARGIN.right]);
  return (
    <ChartFrame
      {...{ id, title, finding }}
      height={HEIGHT}
      head={["mode", xName, "low", "high", "n"]}
      rows={modes.map((mode) => [
        modeNames[mode],
        ...[values[mode].value, values[mode].low, values[mode].high].map((each) => each.toFixed(3)),
        String(values[mode].n),
      ])}
    >
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
          <g
            key={mode}
            transform={`translate(0 ${MARGIN.top + (index + 0.6) * ROW})`}
            className={modeColours[mode]}
            fill="currentColor"
            stroke="currentColor"
          >
            <text x={MARGIN.left - 10} dy="0.35em" textAnchor="end" stroke="none" fontWeight="500">
              {modeNames[mode]}
            </text>
            <line
              x1={x(low)}
              x2={x(high)}
              strokeWidth={widths[mode]}
              strokeDasharray={mode === "cfg" ? "6 3" : undefined}
            />
            <path d={`M${x(low)}-5v10M${x(high)}-5v10`} strokeWidth={widths[mode]} />
            <g transform={`translate(${x(value)} 0)`}>
              {mode === "conditional" && <circle r="4.5" className="fill-surface" strokeWidth="1.5" />}
              {mode === "guide" && <path d="M0-6.5 6.5 0 0 6.5-6.5 0z" stroke="none" />}
              {mode === "cfg" && (
                <rect x="-4.5" y="-4.5" width="9" height="9" className="fill-surface" strokeWidth="2" />
              )}
            </g>
            <text
              x={x(value)}
              y="-9"
              textAnchor="middle"
              className="fill-current stroke-surface [paint-order:stroke]"
              strokeWidth="3"
            >
              {value.toFixed(2)}
            </text>
          </g>
        );
      })}
    </ChartFrame>
  );
}
