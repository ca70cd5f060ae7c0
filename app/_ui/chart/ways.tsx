import { scaleLinear } from "d3-scale";
import type { CurveFound } from "#lib/catalog/pairs/curve-schema.ts";
import { nameOfWay, usualSteps } from "#lib/pairing/ways.ts";
import { type Mode, modeColours } from "../mode.tsx";
import { Axes } from "./axes.tsx";
import { ChartFrame, WIDTH } from "./frame.tsx";

type Point = CurveFound["points"][number];

const HEIGHT = 250;
const MARGIN = { top: 24, right: 16, bottom: 42, left: 60 };
/** Ways of equally many passes stand side by side, this far apart. */
const APART = 11;

/** How well pictures keep to their prompts against the passes that they take: one mark for each way, with its 95% whiskers. */
export function Ways({
  id,
  finding,
  curve,
}: {
  readonly id: string;
  readonly finding: string;
  readonly curve: CurveFound;
}) {
  const { points } = curve;
  const usual = usualSteps(curve);
  const passes = points.map((point) => point.passes);
  const x = scaleLinear()
    .domain([Math.min(...passes), Math.max(...passes)])
    .range([MARGIN.left + 30, WIDTH - MARGIN.right - 14]);
  const y = scaleLinear()
    .domain([
      Math.min(...points.map(({ fidelity }) => fidelity.low)),
      Math.max(...points.map(({ fidelity }) => fidelity.high)),
    ])
    .nice(5)
    .range([HEIGHT - MARGIN.bottom, MARGIN.top]);
  const sameTime = Map.groupBy(points, (point) => point.passes);
  const atX = (point: Point): number => {
    const beside = sameTime.get(point.passes)!;
    return x(point.passes) + (beside.indexOf(point) - (beside.length - 1) / 2) * APART;
  };
  return (
    <ChartFrame
      {...{ id, finding }}
      title="Prompt fidelity against passes through the base"
      height={HEIGHT}
      head={["way", "passes", "keeps", "low", "high", "less the guide", "low", "high", "distance from CFG", "n"]}
      rows={points.map((point) => [
        nameOfWay(point, usual),
        String(point.passes),
        ...[point.fidelity, point.againstGuide].flatMap(({ value, low, high }) =>
          [value, low, high].map((each) => each.toFixed(3)),
        ),
        point.distance.value.toFixed(3),
        String(point.fidelity.n),
      ])}
    >
      <Axes y={y} xName="passes through the base" yName="share of the prompt kept" height={HEIGHT} margin={MARGIN} />
      {[...sameTime.keys()].map((count) => (
        <text key={count} x={x(count)} y={HEIGHT - MARGIN.bottom + 16} textAnchor="middle" className="fill-quiet">
          {count}
        </text>
      ))}
      {points.map((point) => {
        const { low, high, value } = point.fidelity;
        return (
          <g
            key={nameOfWay(point, usual)}
            transform={`translate(${atX(point)} 0)`}
            className={modeColours[point.mode]}
            fill="currentColor"
            stroke="currentColor"
          >
            <line
              y1={y(low)}
              y2={y(high)}
              strokeWidth="1.5"
              strokeDasharray={point.mode === "cfg" ? "4 2" : undefined}
            />
            <g transform={`translate(0 ${y(value)})`}>
              <Mark mode={point.mode} isMixed={point.cfgSteps > 0} />
            </g>
            <text y={y(high) - 5} textAnchor="middle" stroke="none" fontSize="11">
              {letterOf(points, point)}
            </text>
          </g>
        );
      })}
    </ChartFrame>
  );
}

/** By which a mark is found in the list below the drawing: names of eleven ways have no room beside them. */
export const letterOf = (points: readonly Point[], point: Point): string =>
  String.fromCharCode("a".charCodeAt(0) + points.indexOf(point));

function Mark({ mode, isMixed }: { readonly mode: Mode; readonly isMixed: boolean }) {
  const fill = isMixed ? "fill-surface" : undefined;
  if (mode === "conditional") return <circle r="4" className="fill-surface" strokeWidth="1.5" />;
  if (mode === "guide") return <path d="M0-5.5 5.5 0 0 5.5-5.5 0z" className={fill} strokeWidth="1.5" />;
  return <rect x="-4" y="-4" width="8" height="8" className="fill-surface" strokeWidth="2" />;
}
