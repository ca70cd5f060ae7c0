import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/**
 * Who may import whom: downward or level, and across the columns only through what both may see. `npm run imports` prints
 * every arrow between two folders; one that surprises you means that either the code or this table is wrong.
 */
export const table: Readonly<Record<string, { readonly layer: number; readonly column: "compute" | "hub" | "both" }>> =
  {
    ...row(6, { hub: ["app"], both: ["workers", "bench"] }),
    ...row(5, { hub: ["hub"] }),
    ...row(4, { compute: ["distill", "measure"], hub: ["catalog", "http"], both: ["inspection"] }),
    ...row(3, { compute: ["diffusion"], hub: ["auth", "queue"], both: ["picture"] }),
    ...row(2, { compute: ["nn", "autodiff"], both: ["pairing"] }),
    ...row(1, { compute: ["onnx"], hub: ["db", "storage"], both: ["weights"] }), // the upload page reads headers and names them before a byte is sent
    ...row(0, { compute: ["tensor"], both: ["prompt"] }),
    ...row(-1, { both: ["util", "errors", "env", "log", "version"] }),
  };

const roots = ["lib", "workers", "app", "bench"];

export interface Arrow {
  readonly from: string;
  readonly to: string;
  /** Import statements that make it. */
  readonly count: number;
  readonly fault: "upward" | "across the columns" | "not in the table" | null;
}

/** Every arrow between two folders of the project in `root`, sorted. A file right in lib/ counts as a folder of its name. */
export function importArrows(root: string): Arrow[] {
  const counts = new Map<string, number>();
  for (const file of globSync(`{${roots.join()}}/**/*.{ts,tsx}`, { cwd: root })) {
    const path = file.replaceAll("\\", "/");
    for (const imported of importsOf(readFileSync(join(root, file), "utf8"), path)) {
      if (!roots.includes(imported.split("/")[0]!)) continue;
      const [from, to] = [folderOf(path), folderOf(imported)];
      if (from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
    }
  }
  return [...counts].toSorted().map(([key, count]) => {
    const [from, to] = key.split(" ") as [string, string];
    return { from, to, count, fault: faultOf(from, to) };
  });
}

export const toLine = ({ from, to, count, fault }: Arrow): string =>
  `${from} → ${to}: ${count}${fault ? `  ← ${fault}` : ""}`;

function row(layer: number, folders: Partial<Record<"compute" | "hub" | "both", string[]>>): typeof table {
  return Object.fromEntries(
    Object.entries(folders).flatMap(([column, names]) => names.map((name) => [name, { layer, column }])),
  ) as typeof table;
}

function faultOf(from: string, to: string): Arrow["fault"] {
  const [above, below] = [table[from], table[to]];
  if (!above || !below) return "not in the table";
  if (below.layer > above.layer) return "upward";
  return above.column === below.column || above.column === "both" || below.column === "both"
    ? null
    : "across the columns";
}

/** The files of ours that a source imports, as paths from the root. */
function* importsOf(source: string, path: string): Generator<string> {
  const statement = /^(?:import|export)\b[^"';]*?\bfrom\s*"([^"]+)"|^import\s*"([^"]+)"|\bimport\(\s*"([^"]+)"/gm;
  for (const [, ...specifiers] of source.matchAll(statement)) {
    const specifier = specifiers.find((found) => found !== undefined)!;
    if (specifier.startsWith("#")) yield specifier.slice(1);
    else if (specifier.startsWith(".")) yield posix.join(posix.dirname(path), specifier);
  }
}

function folderOf(path: string): string {
  const [top, next = ""] = path.split("/") as [string, string?];
  return top === "lib" ? next.replace(/\.tsx?$/, "") : top;
}

if (import.meta.main) {
  const arrows = importArrows(join(dirname(import.meta.filename), "../.."));
  for (const arrow of arrows) console.log(toLine(arrow));
  if (arrows.some(({ fault }) => fault)) process.exitCode = 1;
}
