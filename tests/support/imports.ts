import { globSync, readFileSync } from "node:fs";
import { dirname, join, posix } from "node:path";

/**
 * Who may import whom: downward or level, and across the columns only through what both may see. `npm run imports` prints
 * every arrow between two folders, and every circle of files or of the catalog's folders; an arrow that surprises you means that either the code or
 * this table is wrong.
 */
export const table: Readonly<Record<string, { readonly layer: number; readonly column: "compute" | "hub" | "both" }>> =
  {
    ...row(6, { hub: ["app"], both: ["workers", "bench"] }),
    ...row(5, { hub: ["hub", "http"] }),
    ...row(4, { compute: ["distill", "measure"], hub: ["catalog"], both: ["inspection"] }),
    ...row(3, { compute: ["diffusion"], hub: ["auth", "queue"], both: ["picture"] }),
    ...row(2, { compute: ["nn", "autodiff"], both: ["pairing"] }),
    ...row(1, { compute: ["onnx"], hub: ["db", "storage"], both: ["weights"] }), // the upload page reads headers and names them before a byte is sent
    ...row(0, { compute: ["tensor"], both: ["families", "prompt"] }), // what a model is, as data: the upload page names it too
    ...row(-1, { both: ["util", "errors", "env", "log", "sampler-names", "version", "page"] }),
  };

const roots = ["lib", "workers", "app", "bench"];
const GENERATED = "lib/db/generated/"; // by Prisma, in a form of its own

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
  for (const [path, imported] of importedFiles(root)) {
    for (const target of imported) {
      const [from, to] = [folderOf(path), folderOf(target)];
      if (from !== to) counts.set(`${from} ${to}`, (counts.get(`${from} ${to}`) ?? 0) + 1);
    }
  }
  return [...counts].toSorted().map(([key, count]) => {
    const [from, to] = key.split(" ") as [string, string];
    return { from, to, count, fault: faultOf(from, to) };
  });
}

/** Every circle of files that import each other, types included, sorted: nothing in one can be read, moved or tested without the others. */
export const fileCycles = (root: string): string[][] => circlesOf(importedFiles(root));

/** The same of the folders within `folder`, which are its ideas; a file right in it stands for itself. */
export function folderCycles(root: string, folder: string): string[][] {
  const imports = new Map<string, Set<string>>();
  const ideaOf = (path: string): string => path.slice(0, path.indexOf("/", folder.length + 1)) || path;
  const isWithin = (path: string): boolean => path.startsWith(`${folder}/`);
  for (const [path, targets] of importedFiles(root)) {
    if (!isWithin(path)) continue;
    const idea = ideaOf(path);
    const known = imports.get(idea) ?? new Set();
    for (const target of targets.filter(isWithin).map(ideaOf)) if (target !== idea) known.add(target);
    imports.set(idea, known);
  }
  return circlesOf(imports);
}

/** Tarjan 1972, "Depth-first search and linear graph algorithms": the strongly connected components, sorted. */
function circlesOf(imports: ReadonlyMap<string, Iterable<string>>): string[][] {
  const place = new Map<string, number>(); // in the order of the visits
  const lowest = new Map<string, number>(); // the earliest place that is reached from a node
  const open: string[] = [];
  const circles: string[][] = [];
  const visit = (node: string): void => {
    place.set(node, place.size);
    lowest.set(node, place.get(node)!);
    open.push(node);
    const targets = [...(imports.get(node) ?? [])];
    for (const target of targets) {
      if (!imports.has(target)) continue;
      if (!place.has(target)) visit(target);
      if (open.includes(target)) lowest.set(node, Math.min(lowest.get(node)!, lowest.get(target)!));
    }
    if (lowest.get(node) !== place.get(node)) return;
    const circle = open.splice(open.indexOf(node)).toSorted();
    if (circle.length > 1 || targets.includes(node)) circles.push(circle);
  };
  for (const node of imports.keys()) if (!place.has(node)) visit(node);
  return circles.toSorted((a, b) => (a[0]! < b[0]! ? -1 : 1));
}

/** Of each source of the project, the sources that it imports. */
function importedFiles(root: string): Map<string, string[]> {
  const files = globSync(`{${roots.join()}}/**/*.{ts,tsx}`, { cwd: root });
  const paths = files.map((file) => file.replaceAll("\\", "/")).filter((path) => !path.startsWith(GENERATED));
  return new Map(
    paths.toSorted().map((path) => {
      const imported = [...importsOf(readFileSync(join(root, path), "utf8"), path)];
      return [path, imported.filter((target) => roots.includes(target.split("/")[0]!))];
    }),
  );
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
  const root = join(dirname(import.meta.filename), "../..");
  const [arrows, cycles] = [importArrows(root), [...fileCycles(root), ...folderCycles(root, "lib/catalog")]];
  for (const arrow of arrows) console.log(toLine(arrow));
  for (const circle of cycles) console.log(`import each other: ${circle.join(", ")}`);
  if (cycles.length > 0 || arrows.some(({ fault }) => fault)) process.exitCode = 1;
}
