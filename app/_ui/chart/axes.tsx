import type { ScaleLinear } from "d3-scale";
import { WIDTH } from "./frame.tsx";

interface AxesProps {
  readonly y: ScaleLinear<number, number>;
  readonly xName: string;
  readonly yName: string;
  readonly height: number;
  readonly margin: Readonly<Record<"top" | "right" | "bottom" | "left", number>>;
}

/** Lines at round values of what is measured, and what stands on both axes. */
export function Axes({ y, xName, yName, height, margin }: AxesProps) {
  return (
    <>
      {y.ticks(5).map((tick) => (
        <g key={tick} transform={`translate(0 ${y(tick)})`} className="text-line">
          <line x1={margin.left} x2={WIDTH - margin.right} stroke="currentColor" />
          <text x={margin.left - 7} dy="0.32em" textAnchor="end" className="fill-quiet">
            {y.tickFormat(5)(tick)}
          </text>
        </g>
      ))}
      <text x={(margin.left + WIDTH - margin.right) / 2} y={height - 6} textAnchor="middle" className="fill-quiet">
        {xName}
      </text>
      <text
        transform={`translate(11 ${(margin.top + height - margin.bottom) / 2}) rotate(-90)`}
        textAnchor="middle"
        className="fill-quiet"
      >
        {yName}
      </text>
    </>
  );
}
