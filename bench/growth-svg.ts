import { scaleLog } from "d3-scale";
import { escapeMarkup } from "#lib/util/escape-markup.ts";

interface Row {
  readonly what: string;
  readonly p99: readonly number[];
}

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [1000, 640, 60, 380, 24, 40];
const GOAL_MS = 100;
const NAMED = 18; // the slowest at the largest size; all others are drawn faint

/** One line for each question from the smallest catalog to the largest, both axes logarithmic: what does not grow is level. */
export function growthSvg(sizes: readonly number[], rows: readonly Row[]): string {
  const x = scaleLog([sizes[0]!, sizes.at(-1)!], [LEFT, WIDTH - RIGHT]);
  const most = Math.max(2 * GOAL_MS, ...rows.flatMap(({ p99 }) => p99));
  const y = scaleLog([0.1, most], [HEIGHT - BOTTOM, TOP]);
  const path = (p99: readonly number[]): string =>
    p99.map((value, index) => `${index === 0 ? "M" : "L"}${x(sizes[index]!)} ${y(Math.max(0.1, value))}`).join("");
  const slowest = rows.toSorted((a, b) => b.p99.at(-1)! - a.p99.at(-1)!);
  const lines = slowest.map(
    ({ p99 }, index) =>
      `<path d="${path(p99)}" fill="none" stroke="${index < NAMED ? "#0f766e" : "#b9b2a4"}" stroke-width="${index < NAMED ? 1.5 : 1}"/>`,
  );
  const labels = slowest
    .slice(0, NAMED)
    .map(
      ({ what, p99 }, index) =>
        `<text x="${WIDTH - RIGHT + 16}" y="${TOP + 14 + index * 20}">${p99.at(-1)!.toFixed(0)} ms ${escapeMarkup(what)}</text>`,
    );
  const ticks = [0.1, 1, 10, 100, 1000]
    .filter((value) => value <= most)
    .map((value) => `<text x="${LEFT - 8}" y="${y(value) + 4}" text-anchor="end">${value}</text>`);
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#2b2925">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#faf8f3"/>
<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(GOAL_MS)}" y2="${y(GOAL_MS)}" stroke="#b91c1c" stroke-dasharray="4 4"/>
${lines.toReversed().join("\n")}
${labels.join("\n")}
${ticks.join("\n")}
${sizes.map((size) => `<text x="${x(size)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${size.toLocaleString("en")} repos</text>`).join("\n")}
<text x="${LEFT}" y="14">p99 at the database, ms; the dashed line is the goal</text>
</svg>
`;
}
