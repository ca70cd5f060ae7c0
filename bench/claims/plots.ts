import { scaleLinear, scalePoint } from "d3-scale";
import type { Claims, TransferRow } from "./claims.ts";

const [WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM] = [860, 420, 56, 130, 40, 56];
const colours = ["#0f766e", "#3f46a5", "#b45309", "#6d5c9e", "#b3261e", "#21713a"];

/** R of each model as a dot on its interval, with what was aimed at. */
export function transferSvg(
  rows: readonly TransferRow[],
  { recovered: aims, low }: { readonly recovered: Readonly<Record<string, number>>; readonly low: number },
): string {
  const x = scalePoint(
    rows.map(({ name }) => name),
    [LEFT, WIDTH - RIGHT],
  ).padding(0.5);
  const y = scaleLinear([-0.2, 1.6], [HEIGHT - BOTTOM, TOP]).clamp(true);
  const marks = rows.flatMap(({ name, recovered }) => {
    const at = x(name)!;
    const aim = y(aims[name]!);
    const label = `<text x="${at}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${name}</text>`;
    const wanted = `<line x1="${at - 24}" x2="${at + 24}" y1="${aim}" y2="${aim}" stroke="#b45309" stroke-width="2"/>`;
    if (recovered === null) return [label, wanted];
    const [from, to] = recovered.interval;
    return [
      label,
      wanted,
      `<line x1="${at}" x2="${at}" y1="${y(from)}" y2="${y(to)}" stroke="#0f766e" stroke-width="2"/>`,
      `<circle cx="${at}" cy="${y(recovered.value)}" r="5" fill="#0f766e"/>`,
    ];
  });
  return frame(
    "R, the share of what CFG adds that the guide recovers; orange: what was aimed at; dashed: the aim of the lower end",
    [
      ...[0, 0.5, 1, 1.5].map((value) => level(y(value), String(value))),
      `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y(low)}" y2="${y(low)}" stroke="#b45309" stroke-dasharray="4 4"/>`,
      ...marks,
    ],
  );
}

/** R of each model against the passes that a picture takes. */
export function dialSvg(points: Claims["dial"]): string {
  const byName = [...Map.groupBy(points, ({ name }) => name)];
  const x = scaleLinear([20, Math.max(...points.map(({ passes }) => passes))], [LEFT, WIDTH - RIGHT]);
  const y = scaleLinear([0, 1.2], [HEIGHT - BOTTOM, TOP]).clamp(true);
  const ends = byName.map(([name, all], i) => ({ name, colour: colours[i]!, at: y(all.at(-1)!.recovered) }));
  ends.sort((a, b) => a.at - b.at);
  for (const [i, end] of ends.entries()) if (i > 0) end.at = Math.max(end.at, ends[i - 1]!.at + 15); // no label on another
  const lines = byName.map(([, all], i) => {
    const path = all.map(({ passes, recovered }, n) => `${n === 0 ? "M" : "L"}${x(passes)} ${y(recovered)}`).join("");
    return `<path d="${path}" fill="none" stroke="${colours[i]}" stroke-width="2"/>`;
  });
  return frame("R against passes through the base of a picture of 20 steps; CFG takes 40", [
    ...[0, 0.5, 1].map((value) => level(y(value), String(value))),
    ...[20, 22, 25, 30].map(
      (value) => `<text x="${x(value)}" y="${HEIGHT - BOTTOM + 20}" text-anchor="middle">${value}</text>`,
    ),
    ...lines,
    ...ends.map(
      ({ name, colour, at }) => `<text x="${WIDTH - RIGHT + 10}" y="${at + 4}" fill="${colour}">${name}</text>`,
    ),
  ]);
}

const level = (y: number, label: string): string =>
  `<line x1="${LEFT}" x2="${WIDTH - RIGHT}" y1="${y}" y2="${y}" stroke="#dbd8d2"/><text x="${LEFT - 8}" y="${y + 4}" text-anchor="end">${label}</text>`;

const frame = (
  title: string,
  parts: readonly string[],
): string => `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" font-family="sans-serif" font-size="12" fill="#2b2925">
<rect width="${WIDTH}" height="${HEIGHT}" fill="#faf8f3"/>
<text x="${LEFT}" y="22" font-size="13">${title}</text>
${parts.join("\n")}
</svg>
`;
