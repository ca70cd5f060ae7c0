import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { Axes } from "./axes.tsx";
import { ChartFrame, WIDTH } from "./frame.tsx";

export interface LinePoint {
  readonly x: number;
  readonly y: number;
}

export interface Series {
  readonly name: string;
  readonly points: readonly LinePoint[];
  /** Where lines cross, their dashes tell them apart, for who sees no colours too. */
  readonly look: keyof typeof looks;
}

const looks = {
  plain: { colour: "text-ink", dashes: undefined },
  guide: { colour: "text-guide", dashes: undefined },
  second: { colour: "text-cfg", dashes: "6 4" },
  third: { colour: "text-conditional", dashes: "2 3" },
} as const;

const HEIGHT = 220;
const MARGIN = { top: 16, right: 12, bottom: 42, left: 54 };

/** Lines over the same numbers, with their names above them; drawn on the server. */
export function Lines({
  id,
  title,
  finding,
  xName,
  yName,
  series,
  digits = 3,
}: {
  readonly id: string;
  /** What is drawn, over what. */
  readonly title: string;
  /** What it says, in a sentence. */
  readonly finding: string;
  readonly xName: string;
  readonly yName: string;
  readonly series: readonly Series[];
  readonly digits?: number;
}) {
  const all = series.flatMap(({ points }) => points);
  const xs = all.map((point) => point.x);
  const ys = all.map((point) => point.y);
  const x = scaleLinear()
    .domain([Math.min(...xs), Math.max(...xs)])
    .range([MARGIN.left, WIDTH - MARGIN.right]);
  const y = scaleLinear()
    .domain([Math.min(0, ...ys), Math.max(...ys)])
    .nice(5)
    .range([HEIGHT - MARGIN.bottom, MARGIN.top]);
  const path = line<LinePoint>()
    .x((point) => x(point.x))
    .y((point) => y(point.y));
  const isNamed = series.length > 1;
  return (
    <div className="min-w-0">
      <ChartFrame
        {...{ id, title, finding }}
        height={HEIGHT}
        head={[xName, ...(isNamed ? ["of"] : []), yName]}
        rows={series.flatMap(({ name, points }) =>
          points.map((point) => [String(point.x), ...(isNamed ? [name] : []), point.y.toFixed(digits)]),
        )}
      >
        <Axes y={y} xName={xName} yName={yName} height={HEIGHT} margin={MARGIN} />
        {x.ticks(5).map((tick) => (
          <text key={tick} x={x(tick)} y={HEIGHT - MARGIN.bottom + 16} textAnchor="middle" className="fill-quiet">
            {tick.toLocaleString("en")}
          </text>
        ))}
        {series.map(({ name, points, look }) => (
          <g key={name} className={looks[look].colour} stroke="currentColor" fill="currentColor">
            <path d={path([...points])!} fill="none" strokeWidth="2" strokeDasharray={looks[look].dashes} />
            {points.length < 12 &&
              points.map((point) => <circle key={point.x} cx={x(point.x)} cy={y(point.y)} r="3" stroke="none" />)}
          </g>
        ))}
      </ChartFrame>
      {isNamed && (
        <ul className="mt-1 flex flex-wrap gap-x-4 text-small">
          {series.map(({ name, look }) => (
            <li key={name} className="flex items-center gap-1.5">
              <svg viewBox="0 0 24 6" className={`h-1.5 w-6 ${looks[look].colour}`} aria-hidden>
                <line
                  x2="24"
                  y1="3"
                  y2="3"
                  stroke="currentColor"
                  strokeWidth="2"
                  strokeDasharray={looks[look].dashes}
                />
              </svg>
              {name}
            </li>
          ))}
        </ul>
      )}
    </div>
  );
}
