import { scaleLinear } from "d3-scale";
import { thresholds } from "#lib/pairing/thresholds.ts";
import type { Measured } from "../estimate.tsx";
import { ChartFrame, WIDTH } from "./frame.tsx";

const MARGIN = { top: 38, right: 14, bottom: 38, left: 14 };
const ROW = 30;
const HEIGHT = MARGIN.top + ROW + MARGIN.bottom;
const ROOM_FOR_NAME = 90;

/** R with its 95% whisker, between what no guidance does and what CFG does, and from where on a pair is verified. */
export function RecoveredBar({ id, of: { value, low, high, n } }: { readonly id: string; readonly of: Measured }) {
  const title = "R: what the guide recovers of what CFG adds";
  const x = scaleLinear()
    .domain([Math.min(0, low), Math.max(1.05, high)])
    .nice(5)
    .range([MARGIN.left, WIDTH - MARGIN.right]);
  const [bottom, middle] = [MARGIN.top + ROW, MARGIN.top + 0.62 * ROW];
  const { verifiedRecovered } = thresholds;
  return (
    <ChartFrame
      {...{ id, title }}
      finding={`R is ${value.toFixed(2)}, with 95% between ${low.toFixed(2)} and ${high.toFixed(2)}, from ${n} prompts; 0 is no guidance, 1 is CFG.`}
      height={HEIGHT}
      head={["R", "low", "high", "n"]}
      rows={[[...[value, low, high].map((each) => each.toFixed(3)), String(n)]]}
    >
      {x.ticks(6).map((tick) => (
        <g key={tick} transform={`translate(${x(tick)} 0)`} className="text-line">
          <line y1={MARGIN.top} y2={bottom} stroke="currentColor" />
          <text y={bottom + 16} textAnchor="middle" className="fill-quiet">
            {x.tickFormat(6)(tick)}
          </text>
        </g>
      ))}
      <text x={WIDTH / 2} y={HEIGHT - 4} textAnchor="middle" className="fill-quiet">
        share recovered (R)
      </text>
      <g transform={`translate(${x(0)} 0)`} className="text-conditional" fill="currentColor">
        <line y1={18} y2={bottom} stroke="currentColor" strokeWidth="1.25" />
        <text x={x(0) > ROOM_FOR_NAME ? 0 : -2} y={12} textAnchor={x(0) > ROOM_FOR_NAME ? "end" : "start"}>
          no guidance
        </text>
      </g>
      <g transform={`translate(${x(1)} 0)`} className="text-cfg" fill="currentColor">
        <line y1={18} y2={bottom} stroke="currentColor" strokeWidth="1.25" strokeDasharray="6 4" />
        <text y={12} textAnchor="middle">
          CFG
        </text>
      </g>
      <g transform={`translate(${x(verifiedRecovered)} 0)`} className="text-verified" fill="currentColor">
        <line y1={31} y2={bottom} stroke="currentColor" strokeDasharray="2 3" />
        <text x={-4} y={28} textAnchor="end">
          verified from {verifiedRecovered.toFixed(2)}
        </text>
      </g>
      <g transform={`translate(0 ${middle})`} className="text-guide" fill="currentColor" stroke="currentColor">
        <line x1={x(low)} x2={x(high)} strokeWidth="2.75" />
        <path d={`M${x(low)}-5v10M${x(high)}-5v10`} strokeWidth="2.75" />
        <path transform={`translate(${x(value)} 0)`} d="M0-6.5 6.5 0 0 6.5-6.5 0z" stroke="none" />
      </g>
    </ChartFrame>
  );
}
