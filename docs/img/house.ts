import { join } from "node:path";
import { type Arrow, importArrows, table } from "../../tests/support/imports.ts";

/**
 * Draws the house of docs/how-it-works.md from the imports that the sources really have:
 *
 *   node guidepost.js run docs/img/house.ts > docs/img/house.svg
 */

const says: Readonly<Record<string, string>> = {
  workers: "command line, worker, inference child, npm start",
  bench: "claims, measured",
  app: "pages and the HTTP API",
  measure: "agreement, fidelity, cost",
  inspection: "what a file is",
  diffusion: "UNet, CLIP, VAE, guide",
  nn: "layers",
  onnx: "graph builder, session",
  weights: "safetensors, names",
  families: "which models there are",
  tensor: "shapes, random numbers",
  distill: "train a guide",
  autodiff: "gradients as more graph",
  catalog: "repos, commits, pairs",
  http: "request to service and back",
  hub: "the wire of other clients",
  auth: "who asks, what they may",
  queue: "what should happen later",
  storage: "bytes: disk or S3",
  db: "rows",
  pairing: "signatures and measurements in,|verdict out",
  picture: "PNG and its recipe",
  prompt: "words, weighed",
};

const paper = "#faf8f3";
const ink = "#2b2925";
const faint = "#8b857a";
const line = "#b9b2a4";
const teal = "#0f766e";
const font = "ui-sans-serif, system-ui, 'Segoe UI', Roboto, Helvetica, Arial, sans-serif";

const [WIDTH, HEIGHT] = [1280, 944];
const COLUMNS = { compute: [40, 484], both: [510, 770], hub: [796, 1240] } as const;
const BOX = { width: 200, height: 58 };
/** Where the top of each layer's boxes is. */
const TOPS: Readonly<Record<number, number>> = { 6: 210, 5: 210, 4: 318, 3: 430, 2: 542, 1: 654, 0: 762 };

interface Box {
  readonly name: string;
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
  readonly kind: "room" | "roof" | "bridge" | "ground";
}

/** What the arrows say, as an SVG. */
export function houseSvg(arrows: readonly Arrow[]): string {
  const names = [...new Set(arrows.flatMap(({ from, to }) => [from, to]))].toSorted();
  const boxes = new Map(place(names).map((box) => [box.name, box]));
  const drawn = arrows.flatMap(({ from, to }) => {
    const [above, below] = [boxes.get(from)!, boxes.get(to)!];
    return above.kind === "roof" || below.kind === "ground"
      ? []
      : [{ from: above, to: below, isBack: arrows.some((other) => other.from === to && other.to === from) }];
  });
  const [bridged, plain] = [
    drawn.filter(({ to }) => to.kind === "bridge"),
    drawn.filter(({ to }) => to.kind !== "bridge"),
  ];
  return `${[
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${WIDTH} ${HEIGHT}" width="${WIDTH}" height="${HEIGHT}" font-family="${font}" role="img" aria-labelledby="title">`,
    `<title id="title">Two columns of folders, compute and hub, and one bridge between them, pairing. Every arrow is an import.</title>`,
    `<defs>${head("ink", faint)}${head("teal", teal)}</defs>`,
    `<rect width="${WIDTH}" height="${HEIGHT}" rx="16" fill="${paper}"/>`,
    ...walls(),
    ...plain.map((arrow) => toPath(arrow, faint, "ink", 1.2, 0.75)),
    ...bridge(boxes.get("pairing")!),
    ...bridged.map((arrow) => toPath(arrow, teal, "teal", 2, 1)),
    ...[...boxes.values()].map(toBox),
    text(
      WIDTH / 2,
      HEIGHT - 20,
      `Every arrow is an import that is in the sources. Those of the roof, which may see everything, and those down to the ground are left out.`,
      { size: 13, fill: faint, anchor: "middle" },
    ),
    "</svg>",
  ].join("\n")}\n`;
}

function place(names: readonly string[]): Box[] {
  const at = (layer: number): string[] => names.filter((name) => table[name]?.layer === layer);
  const rooms = names.flatMap((name): Box[] => {
    const { layer, column } = table[name]!;
    if (layer < 0 || (layer === 6 && column === "both")) return [];
    const mates = at(layer).filter((other) => table[other]!.column === column);
    const [begin, end] = COLUMNS[column];
    const gap = (end - begin - mates.length * BOX.width) / (mates.length + 1);
    const isBridge = name === "pairing";
    const x = begin + gap + mates.indexOf(name) * (BOX.width + gap);
    return [
      isBridge
        ? { name, x: x - 10, y: TOPS[layer]! - 4, width: BOX.width + 20, height: 70, kind: "bridge" }
        : { name, x, y: TOPS[layer]!, ...BOX, kind: "room" },
    ];
  });
  const roof = at(6)
    .filter((name) => table[name]!.column === "both")
    .toSorted((a, b) => says[b]!.length - says[a]!.length);
  const wide = roof.map((name, i): Box => ({
    name,
    x: i === 0 ? 40 : 1016,
    y: 82,
    width: i === 0 ? 952 : 224,
    height: 62,
    kind: "roof",
  }));
  const low = at(-1);
  const ground = low.map((name, i): Box => ({
    name,
    x: 40 + (i * 1200) / low.length,
    y: 858,
    width: 1200 / low.length,
    height: 36,
    kind: "ground",
  }));
  return [...rooms, ...wide, ...ground];
}

function walls(): string[] {
  const column = ([begin, end]: readonly [number, number], label: string, more: string): string[] => [
    `<rect x="${begin}" y="166" width="${end - begin}" height="674" rx="12" fill="#ffffff" stroke="${line}"/>`,
    text(begin + 18, 191, `<tspan font-weight="600" font-size="15" fill="${ink}">${label}</tspan>  ${more}`, {
      size: 13,
      fill: faint,
    }),
  ];
  return [
    text(40, 44, "Guidepost", { size: 22, weight: 650 }),
    text(
      40,
      65,
      "who may import whom: down or level, never up, and from column to column only through what stands between them",
      { size: 14, fill: faint },
    ),
    ...column(COLUMNS.compute, "compute", "numbers; runs with no database in sight"),
    ...column(COLUMNS.hub, "hub", "people and files; never loads the runtime"),
  ];
}

/** A deck from wall to wall, and an arch under it. */
function bridge({ y, height }: Box): string[] {
  const [left, right] = [COLUMNS.compute[1], COLUMNS.hub[0]];
  const deck = y + height;
  return [
    `<path d="M${left} ${deck} H${right} V${deck + 10} H${left} Z" fill="${teal}"/>`,
    `<path d="M${left} ${deck + 62} C${left + 40} ${deck - 2} ${right - 40} ${deck - 2} ${right} ${deck + 62}" fill="none" stroke="${teal}" stroke-width="3"/>`,
    ...[0.2, 0.35, 0.5, 0.65, 0.8].map((t) => {
      const [ends, middle] = [
        (1 - t) ** 3 * left + t ** 3 * right,
        3 * (1 - t) ** 2 * t * (left + 40) + 3 * (1 - t) * t ** 2 * (right - 40),
      ];
      const arch = deck + 62 - 64 * 3 * t * (1 - t);
      return `<path d="M${r(ends + middle)} ${deck + 8} V${r(arch)}" stroke="${teal}" stroke-width="1.5" opacity="0.6"/>`;
    }),
  ];
}

interface Drawn {
  readonly from: Box;
  readonly to: Box;
  readonly isBack: boolean;
}

function toPath({ from, to, isBack }: Drawn, stroke: string, marker: string, width: number, opacity: number): string {
  const d = from.y === to.y ? levelPath(from, to, isBack) : downPath(from, to);
  const isLong = to.y - from.y > 150 && to.kind !== "bridge"; // past a row: it runs behind the rooms there
  return `<path d="${d}" fill="none" stroke="${stroke}" stroke-width="${width}" opacity="${isLong ? opacity / 2 : opacity}" marker-end="url(#${marker})"><title>${from.name} → ${to.name}</title></path>`;
}

/** Neighbours: a straight line; where each imports the other, two beside each other. */
function levelPath(from: Box, to: Box, isBack: boolean): string {
  const isRight = to.x > from.x;
  const y = from.y + from.height / 2 + (isBack ? (isRight ? -7 : 7) : 0);
  return isRight ? `M${r(from.x + from.width)} ${y} H${r(to.x - 7)}` : `M${r(from.x)} ${y} H${r(to.x + to.width + 7)}`;
}

/** From the lower edge to the upper one, leaving and arriving on the side where the other lies. */
function downPath(from: Box, to: Box): string {
  const middle = (box: Box): number => box.x + box.width / 2;
  const lean = Math.max(-1, Math.min(1, (middle(to) - middle(from)) / 300));
  const x0 = middle(from) + lean * from.width * 0.36;
  const [y0, y1] = [from.y + from.height, to.y - 6];
  if (from.x > COLUMNS.compute[1] && to.x + to.width < COLUMNS.compute[1]) {
    const [end, y] = [to.x + to.width + 7, to.y + to.height / 2]; // down between the wall and the bridge's room
    return `M${r(from.x)} ${from.y + 40} C${COLUMNS.compute[1] + 6} ${from.y + 40} ${COLUMNS.compute[1] + 40} ${y} ${r(end)} ${y}`;
  }
  const isDoor = to.kind === "bridge" && Math.abs(middle(to) - middle(from)) > from.width;
  if (isDoor) {
    const [out, side] = lean > 0 ? [from.x + from.width, to.x - 6] : [from.x, to.x + to.width + 6];
    const [leave, arrive] = [from.y + from.height / 2 + 12, to.y + to.height / 2 + (from.y === TOPS[3] ? 8 : -8)];
    const [near, far] = [out + lean * 62, side - lean * 46];
    return `M${r(out)} ${leave} C${r(near)} ${leave} ${r(far)} ${arrive} ${r(side)} ${arrive}`;
  }
  const x1 = middle(to) - lean * to.width * 0.36;
  const pull = Math.max(26, 0.5 * (y1 - y0));
  return `M${r(x0)} ${y0} C${r(x0)} ${r(y0 + pull)} ${r(x1)} ${r(y1 - pull)} ${r(x1)} ${y1}`;
}

function toBox({ name, x, y, width, height, kind }: Box): string {
  if (kind === "ground") {
    return `<rect x="${r(x)}" y="${y}" width="${r(width)}" height="${height}" fill="#efebe1" stroke="${line}"/>${text(x + width / 2, y + 23, name, { size: 14, anchor: "middle" })}`;
  }
  const words = says[name];
  if (words === undefined) throw new Error(`${name}: say in docs/img/house.ts what it is`);
  const [fill, stroke, light] =
    kind === "bridge" ? [teal, teal, "#d5ebe7"] : [kind === "roof" ? "#f1ede3" : paper, ink, "#6b665c"];
  const lines = words.split("|");
  const first = y + height / 2 - 4 - (lines.length - 1) * 8;
  return [
    `<rect x="${r(x)}" y="${y}" width="${r(width)}" height="${height}" rx="8" fill="${fill}" stroke="${stroke}" stroke-width="1.3"/>`,
    text(x + width / 2, first, name, {
      size: 16,
      weight: 600,
      anchor: "middle",
      fill: kind === "bridge" ? "#ffffff" : ink,
    }),
    ...lines.map((each, i) =>
      text(x + width / 2, first + 20 + i * 16, each, {
        size: kind === "bridge" ? 12 : 12.5,
        anchor: "middle",
        fill: light,
      }),
    ),
  ].join("");
}

interface Style {
  readonly size: number;
  readonly weight?: number;
  readonly fill?: string;
  readonly anchor?: "middle";
}

const text = (x: number, y: number, words: string, { size, weight = 400, fill = ink, anchor }: Style): string =>
  `<text x="${r(x)}" y="${r(y)}" font-size="${size}" font-weight="${weight}" fill="${fill}"${anchor ? ` text-anchor="${anchor}"` : ""}>${words}</text>`;

const head = (id: string, fill: string): string =>
  `<marker id="${id}" viewBox="0 0 8 8" refX="1" refY="4" markerWidth="7" markerHeight="7" markerUnits="userSpaceOnUse" orient="auto"><path d="M0 0 L8 4 L0 8 Z" fill="${fill}"/></marker>`;

const r = (value: number): string => String(Math.round(value * 10) / 10);

if (import.meta.main) process.stdout.write(houseSvg(importArrows(join(import.meta.dirname, "../.."))));
