import { scaleLinear, scalePoint } from "d3-scale";
import { area, line } from "d3-shape";
import type { Measured } from "../estimate.tsx";
import { clearSide } from "./finding.ts";
import { Axes } from "./axes.tsx";
import { ChartFrame, WIDTH } from "./frame.tsx";

export interface CurvePoint extends Measured {
  readonly x: number;
}

export interface Reference {
  readonly y: number;
  readonly name: string;
  /** What would lie there, drawn as that mode always is. */
  readonly mode?: "conditional" | "cfg";
}

interface CurveProps {
  readonly id: string;
  /** What is drawn, over what. */
  readonly title: string;
  /** What the curve says, in a sentence. */
  readonly finding: string;
  readonly xName: string;
  readonly yName: string;
  readonly points: readonly CurvePoint[];
  /** What the best possible, or nothing at all, would be: a line with its name. */
  readonly references: readonly Reference[];
  /** What CFG gives at the same values. */
  readonly cfg?: readonly CurvePoint[];
  /** Of the values the one that was chosen. */
  readonly chosen?: number;
  readonly digits?: number;
}

const HEIGHT = 220;
const MAX_LABELS = 7;
const MARGIN = { top: 16, right: 12, bottom: 42, left: 54 };
const looks = {
  conditional: { colour: "text-conditional", dashes: undefined },
  cfg: { colour: "text-cfg", dashes: "6 4" },
  none: { colour: "text-edge", dashes: "2 3" },
} as const;

/**
 * A measured curve of the guide with its 95% band, and of CFG where that was measured too, drawn on the server; x are the values that
 * were measured, evenly spaced, for they are few and chosen.
 */
export function Curve(props: CurveProps) {
  const { id, title, finding, xName, yName, points, references, cfg = [], chosen, digits = 2 } = props;
  const places = [...new Set([...points, ...cfg].map((point) => point.x))].toSorted((a, b) => a - b);
  const domain = cfg.length > 0 ? places : points.map((point) => point.x); // timesteps go from noise to picture
  const x = scalePoint<number>()
    .domain(domain)
    .range([MARGIN.left, WIDTH - MARGIN.right])
    .padding(0.4);
  const values = [
    ...[...points, ...cfg].flatMap(({ low, high }) => [low, high]),
    ...references.map((reference) => reference.y),
  ];
  const y = scaleLinear()
    .domain([Math.min(...values), Math.max(...values)])
    .nice(5)
    .range([HEIGHT - MARGIN.bottom, MARGIN.top]);
  const at = (point: CurvePoint): number => x(point.x)!;
  const band = area<CurvePoint>()
    .x(at)
    .y0(({ low }) => y(low))
    .y1(({ high }) => y(high));
  const curve = line<CurvePoint>()
    .x(at)
    .y(({ value }) => y(value));
  return (
    <ChartFrame
      {...{ id, title, finding }}
      height={HEIGHT}
      head={[xName, ...(cfg.length > 0 ? ["of"] : []), yName, "low", "high", "n"]}
      rows={[
        ...points.map((point) => rowOf(point, cfg.length > 0 ? "guide" : null, digits)),
        ...cfg.map((point) => rowOf(point, "CFG", digits)),
      ]}
    >
      <Axes y={y} xName={xName} yName={yName} height={HEIGHT} margin={MARGIN} />
      {domain
        .filter((_place, index) => index % Math.ceil(domain.length / MAX_LABELS) === 0)
        .map((place) => (
          <text key={place} x={x(place)} y={HEIGHT - MARGIN.bottom + 16} textAnchor="middle" className="fill-quiet">
            {place}
          </text>
        ))}
      {cfg.length > 0 && (
        <g className="text-cfg">
          <path d={curve([...cfg])!} fill="none" stroke="currentColor" strokeWidth="1.5" strokeDasharray="6 4" />
          {cfg.map((point) => (
            <g key={point.x} transform={`translate(${at(point)} 0)`} stroke="currentColor">
              <line y1={y(point.low)} y2={y(point.high)} strokeWidth="1.25" strokeDasharray="4 2" />
              <rect
                x="-3.5"
                y={y(point.value) - 3.5}
                width="7"
                height="7"
                className="fill-surface"
                strokeWidth="1.75"
              />
            </g>
          ))}
        </g>
      )}
      <g className="text-guide">
        <path d={band([...points])!} fill="currentColor" opacity="0.18" />
        <path d={curve([...points])!} fill="none" stroke="currentColor" strokeWidth="2.5" />
        {points
          .filter((point) => point.x === chosen)
          .map((point) => (
            <circle
              key="chosen"
              cx={at(point)}
              cy={y(point.value)}
              r="9"
              fill="none"
              stroke="currentColor"
              strokeWidth="1.5"
            />
          ))}
        {points.map((point) => (
          <path
            key={point.x}
            transform={`translate(${at(point)} ${y(point.value)})`}
            d="M0-4.5 4.5 0 0 4.5-4.5 0z"
            fill="currentColor"
          />
        ))}
      </g>
      {references.map(({ y: value, name, mode }) => {
        const side = clearSide(points, value);
        const { colour, dashes } = looks[mode ?? "none"];
        return (
          <g key={name} transform={`translate(0 ${y(value)})`} className={colour}>
            <line
              x1={MARGIN.left}
              x2={WIDTH - MARGIN.right}
              stroke="currentColor"
              strokeWidth="1.25"
              strokeDasharray={dashes}
            />
            <text
              x={side === "start" ? MARGIN.left + 4 : WIDTH - MARGIN.right - 2}
              dy="-0.4em"
              textAnchor={side}
              className="fill-current stroke-surface [paint-order:stroke]"
              strokeWidth="3"
            >
              {name}
            </text>
          </g>
        );
      })}
    </ChartFrame>
  );
}

function rowOf({ x, value, low, high, n }: CurvePoint, of: string | null, digits: number): string[] {
  return [
    String(x),
    ...(of === null ? [] : [of]),
    ...[value, low, high].map((each) => each.toFixed(digits)),
    String(n),
  ];
}
