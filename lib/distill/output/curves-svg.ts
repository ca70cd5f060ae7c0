import { scaleLinear, scaleLog } from "d3-scale";
import { escapeMarkup } from "#lib/util/escape-markup.ts";
import type { History } from "../run/history.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM, GAP] = [860, 520, 64, 150, 36, 40, 48];
const POINTS = 200; // of a line, however many steps there are

/** The loss above, what is held out below, over the same steps. */
export function curvesSvg({ losses, heldOut }: History, title: string): string {
  const steps = losses.length;
  const x = scaleLinear([0, steps], [LEFT, WIDTH - RIGHT]);
  const middle = Math.round((TOP + HEIGHT - BOTTOM) / 2);
  const smooth = inBins(losses);
  const [least, most] = [Math.min(...smooth.map(({ y }) => y)), Math.max(...smooth.map(({ y }) => y))];
  const loss = scaleLog([least, Math.max(most, 1.01 * least)], [middle - GAP / 2, TOP]).nice();
  const share = scaleLinear([0, Math.max(1, ...heldOut.map(({ fvu }) => fvu))], [HEIGHT - BOTTOM, middle + GAP / 2]);
  const path = (points: readonly { readonly x: number; readonly y: number }[], y: (value: number) => number): string =>
    points.map((point, i) => `${i === 0 ? "M" : "L"}${x(point.x).toFixed(1)} ${y(point.y).toFixed(1)}`).join("");
  const line = (d: string, colour: string): string =>
    `<path d="${d}" fill="none" stroke="${colour}" stroke-width="1.5"/>`;
  const held = (of: "fvu" | "delivered" | "cosine") => heldOut.map((look) => ({ x: look.step, y: look[of] }));
  const series = [
    ["unexplained", "fvu", "#b45309"],
    ["delivered", "delivered", "#0f766e"],
    ["cosine", "cosine", "#6d5c9e"],
  ] as const;
  const ticks = (y: number, label: string, end = LEFT - 8): string =>
    `<text x="${end}" y="${(y + 4).toFixed(1)}" text-anchor="end">${label}</text>`;
  const named = (y: number, label: string, colour: string): string =>
    `<text x="${WIDTH - RIGHT + 10}" y="${(y + 4).toFixed(1)}" fill="${colour}">${label}</text>`;
  return `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#2b2925">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#faf8f3"/>
<text x="${LEFT}" y="20" font-size="14">${escapeMarkup(title)}</text>
${loss
  .ticks(3)
  .map((value) => ticks(loss(value), String(Number(value.toPrecision(2)))))
  .join("\n")}
${line(path(smooth, loss), "#2b2925")}
${named(loss(smooth.at(-1)!.y), `loss ${smooth.at(-1)!.y.toPrecision(3)}`, "#2b2925")}
${share
  .ticks(4)
  .map((value) => ticks(share(value), String(value)))
  .join("\n")}
${series.map(([, of, colour]) => line(path(held(of), share), colour)).join("\n")}
${apart(
  series.map(([label, of, colour]) => ({
    y: share(heldOut.at(-1)![of]),
    text: `${label} ${heldOut.at(-1)![of].toFixed(3)}`,
    colour,
  })),
)
  .map(({ y, text, colour }) => named(y, text, colour))
  .join("\n")}
${x
  .ticks(6)
  .map((value) => `<text x="${x(value).toFixed(1)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${value}</text>`)
  .join("\n")}
<text x="${WIDTH - RIGHT}" y="${HEIGHT - 6}" text-anchor="end">steps; the loss in means of ${Math.max(1, Math.ceil(steps / POINTS))}, below it what is held out</text>
</svg>
`;
}

/** Labels that would lie on one another are moved down. */
function apart<T extends { readonly y: number }>(labels: readonly T[]): T[] {
  let free = -Infinity;
  return labels
    .toSorted((a, b) => a.y - b.y)
    .map((label) => {
      const y = Math.max(label.y, free);
      free = y + 15;
      return { ...label, y };
    });
}

function inBins(values: readonly number[]): { x: number; y: number }[] {
  const size = Math.max(1, Math.ceil(values.length / POINTS));
  return Array.from({ length: Math.ceil(values.length / size) }, (_, i) => {
    const bin = values.slice(i * size, (i + 1) * size);
    return { x: i * size + bin.length, y: bin.reduce((sum, one) => sum + one, 0) / bin.length };
  });
}
