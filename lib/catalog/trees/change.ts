import { AppError } from "#lib/errors.ts";
import { requireBeside } from "./beside.ts";
import { requireApart } from "./distinct.ts";
import { compareKeys, keyOf } from "./key.ts";
import {
  type Branch,
  type Content,
  type FileEntry,
  isLeaf,
  makeNode,
  MIN_ENTRIES,
  type Node,
  type NodeEntry,
  split,
  toFileEntry,
  toNodeEntry,
} from "./node.ts";

/** What a commit does to one path: other bytes, or none. */
export interface Change {
  readonly path: string;
  readonly content: Content | null;
}

/** What was and what is at a path that changed; null for nothing. */
export interface Difference {
  readonly path: string;
  readonly before: Content | null;
  readonly after: Content | null;
}

export interface ChangedTree {
  readonly root: Node;
  /** The nodes below the root, and itself, that were made anew; the others are shared with the tree before. */
  readonly made: readonly Node[];
  readonly differences: readonly Difference[];
}

/** Gives the nodes with these ids. */
export type LoadNodes = (ids: readonly string[]) => Promise<ReadonlyMap<string, Node>>;

export const emptyTree = makeNode(0, []);

/**
 * Makes the tree that these changes make of another. On the way of each changed path it makes one node of each level anew, or two where
 * one overflows or takes in a neighbour: whatever there is beside them stays as it is.
 *
 * @throws file_not_found for the deletion of nothing; bad_request for what cannot lie side by side
 */
export async function changeTree(root: Node, changes: readonly Change[], load: LoadNodes): Promise<ChangedTree> {
  const nodes = new Nodes(load);
  nodes.keep(root);
  const keyed = changes
    .map(({ path, content }) => ({ key: keyOf(path), path, content }))
    .toSorted((a, b) => compareKeys(a.key, b.key));
  await nodes.loadWays(root, keyed);
  const differences: Difference[] = [];
  let changed = await grown(root.level, await changeNode(root, keyed, nodes, differences), nodes);
  while (!isLeaf(changed) && changed.entries.length === 1) changed = await nodes.get(changed.entries[0]!.id);
  await requireBeside(
    changed,
    differences.flatMap(({ path, after }) => (after ? [path] : [])),
    (id) => nodes.get(id),
  );
  return { root: changed, made: nodes.madeBelow(changed), differences };
}

interface KeyedChange extends Change {
  readonly key: string;
}

/** The nodes that are looked at, and those that are made. */
class Nodes {
  private readonly known = new Map<string, Node>();
  private readonly made = new Map<string, Node>();
  private readonly load: LoadNodes;

  constructor(load: LoadNodes) {
    this.load = load;
  }

  keep(node: Node): void {
    this.known.set(node.id, node);
  }

  make(level: number, entries: readonly FileEntry[] | readonly NodeEntry[]): Node {
    const node = makeNode(level, entries);
    const known = this.known.get(node.id) ?? this.made.get(node.id);
    if (!known) this.made.set(node.id, node);
    return known ?? node;
  }

  async get(id: string): Promise<Node> {
    const node = this.known.get(id) ?? this.made.get(id);
    if (node) return node;
    await this.loadAll([id]);
    return this.known.get(id)!;
  }

  private async loadAll(ids: readonly string[]): Promise<void> {
    const unknown = ids.filter((id) => !this.known.has(id));
    if (unknown.length > 0) for (const node of (await this.load(unknown)).values()) this.keep(node);
  }

  /** All nodes on the ways to these keys, a level at a time. */
  async loadWays(root: Node, changes: readonly KeyedChange[]): Promise<void> {
    let here = [{ node: root, changes }];
    while (here.length > 0 && !isLeaf(here[0]!.node)) {
      const ways = here.flatMap((at) =>
        [...partsOf(at.node as Branch, at.changes)].filter((part) => part.changes.length > 0),
      );
      await this.loadAll(ways.map(({ entry }) => entry.id));
      here = ways.map((way) => ({ node: this.known.get(way.entry.id)!, changes: way.changes }));
    }
  }

  /** Without those that were made on the way and have no place in the end. */
  madeBelow(root: Node): Node[] {
    const node = this.made.get(root.id);
    if (!node) return [];
    return [
      node,
      ...(isLeaf(node)
        ? []
        : node.entries.flatMap(({ id }) => (this.made.has(id) ? this.madeBelow(this.made.get(id)!) : []))),
    ];
  }
}

/** Which changes belong into which node below: what lies between two nodes goes into the first. Both are sorted. */
function* partsOf(
  { entries }: Branch,
  changes: readonly KeyedChange[],
): Generator<{ readonly entry: NodeEntry; readonly changes: readonly KeyedChange[] }> {
  let begin = 0;
  for (const [i, entry] of entries.entries()) {
    const next = entries[i + 1];
    const first = next ? changes.findIndex(({ key }, at) => at >= begin && compareKeys(key, next.key) >= 0) : -1;
    const end = first === -1 ? changes.length : first;
    yield { entry, changes: changes.slice(begin, end) };
    begin = end;
  }
}

type Entries = readonly FileEntry[] | readonly NodeEntry[];

/** What a node has after the changes, which may be too much or too little for one. */
async function changeNode(
  node: Node,
  changes: readonly KeyedChange[],
  nodes: Nodes,
  differences: Difference[],
): Promise<Entries> {
  if (isLeaf(node)) return changeFiles(node.entries, changes, differences);
  const parts: (NodeEntry | Entries)[] = [];
  for (const { entry, changes: here } of partsOf(node, changes))
    parts.push(here.length === 0 ? entry : await changeNode(await nodes.get(entry.id), here, nodes, differences));
  await joinSmall(parts, nodes);
  return parts.flatMap((part) =>
    isEntry(part) ? [part] : split<FileEntry | NodeEntry>(part).map((entries) => made(node.level - 1, entries, nodes)),
  );
}

const made = (level: number, entries: readonly (FileEntry | NodeEntry)[], nodes: Nodes): NodeEntry =>
  toNodeEntry(nodes.make(level, entries as Entries));

const isEntry = (part: NodeEntry | Entries): part is NodeEntry => !Array.isArray(part);

/** What has become too small goes together with its neighbour; what is empty goes. */
async function joinSmall(parts: (NodeEntry | Entries)[], nodes: Nodes): Promise<void> {
  for (let i = 0; i < parts.length;) {
    const part = parts[i]!;
    if (isEntry(part) || part.length >= MIN_ENTRIES || (part.length > 0 && parts.length === 1)) {
      i++;
    } else if (part.length === 0) {
      parts.splice(i, 1);
    } else {
      const at = i > 0 ? i - 1 : i;
      const [left, right] = [await entriesOf(parts[at]!, nodes), await entriesOf(parts[at + 1]!, nodes)];
      parts.splice(at, 2, await joined(left, right, nodes));
      i = at;
    }
  }
}

const entriesOf = async (part: NodeEntry | Entries, nodes: Nodes): Promise<Entries> =>
  isEntry(part) ? (await nodes.get(part.id)).entries : part;

/** Beside each other; an only child that had no neighbour to go together with has one now. */
async function joined(left: Entries, right: Entries, nodes: Nodes): Promise<Entries> {
  const [last, first] = [left.at(-1)!, right[0]!];
  if ("path" in last || "path" in first) return [...left, ...right] as Entries;
  const [a, b] = [await nodes.get(last.id), await nodes.get(first.id)];
  if (Math.min(a.entries.length, b.entries.length) >= MIN_ENTRIES) return [...left, ...right] as Entries;
  const between = split<FileEntry | NodeEntry>(await joined(a.entries, b.entries, nodes));
  return [
    ...left.slice(0, -1),
    ...between.map((entries) => made(a.level, entries, nodes)),
    ...right.slice(1),
  ] as Entries;
}

/** One node over all of these, with as many levels as it takes. */
async function grown(level: number, entries: Entries, nodes: Nodes): Promise<Node> {
  const parts = split<FileEntry | NodeEntry>(entries);
  if (parts.length === 1) return entries.length === 0 ? nodes.make(0, []) : nodes.make(level, entries);
  return grown(
    level + 1,
    parts.map((part) => made(level, part, nodes)),
    nodes,
  );
}

function changeFiles(
  files: readonly FileEntry[],
  changes: readonly KeyedChange[],
  differences: Difference[],
): FileEntry[] {
  const entries = new Map(files.map((file) => [file.key, file]));
  // Deletions first: the same name in other capital letters may come in the place of a file that goes.
  for (const { key, path, content } of changes) {
    if (content) continue;
    const file = entries.get(key);
    if (file?.path !== path)
      throw new AppError("file_not_found", `There is no file ${path} to delete; look at what is there.`, { path });
    entries.delete(key);
    differences.push({ path, before: file, after: null });
  }
  for (const { key, path, content } of changes) {
    if (!content) continue;
    const file = entries.get(key);
    if (file && file.path !== path) requireApart(path, file.path);
    if (file?.sha256 === content.sha256) continue;
    entries.set(key, toFileEntry({ path, ...content }));
    differences.push({ path, before: file ?? null, after: content });
  }
  return [...entries.values()].toSorted((a, b) => compareKeys(a.key, b.key));
}
