import { createHash } from "node:crypto";
import { keyOf } from "./key.ts";

export interface Content {
  readonly sha256: string;
  /** In bytes. */
  readonly size: number;
  /** Named by its sha256 on the wire, not by its git hash. */
  readonly lfs: boolean;
}

/** One file of a commit. */
export interface TreeFile extends Content {
  readonly path: string;
}

export interface FileEntry extends TreeFile {
  readonly key: string;
}

/** A node below, and the keys of the first and the last file in it. */
export interface NodeEntry {
  readonly id: string;
  readonly key: string;
  readonly lastKey: string;
  readonly files: number;
  readonly size: number;
}

interface Sums {
  /** Of its entries: equal for equal files that are parted in the same way. */
  readonly id: string;
  readonly files: number;
  /** Of all files below, in bytes. */
  readonly size: number;
}

export interface Leaf extends Sums {
  readonly level: 0;
  readonly entries: readonly FileEntry[];
}

export interface Branch extends Sums {
  readonly level: number;
  readonly entries: readonly NodeEntry[];
}

/** A node of the search tree that holds the files of a commit, in the order of their keys. Nodes never change. */
export type Node = Leaf | Branch;

export const isLeaf = (node: Node): node is Leaf => node.level === 0;

/** A change of one path writes a node of each level anew. Smaller nodes make that cheaper, and a search longer by a level. */
export const MAX_ENTRIES = 32;
/** What a node has at least, if it is not the root; so a tree of 10,000 files has at most 5 levels. */
export const MIN_ENTRIES = 8;
const FILLED = 24; // with room for what is added

export const toFileEntry = ({ path, sha256, size, lfs }: TreeFile): FileEntry => ({
  path,
  sha256,
  size,
  lfs,
  key: keyOf(path),
});

const lineOf = (entry: FileEntry | NodeEntry): string =>
  "path" in entry
    ? `file ${entry.sha256} ${entry.size} ${entry.lfs ? "lfs" : "git"} ${entry.path}`
    : `tree ${entry.id}`;

/** The rule `tree_is_whole` of the database computes the same id. */
export function makeNode(level: number, entries: readonly FileEntry[] | readonly NodeEntry[]): Node {
  const id = createHash("sha256").update(entries.map(lineOf).join("\n")).digest("hex");
  let [files, size] = [0, 0];
  for (const entry of entries) {
    files += "path" in entry ? 1 : entry.files;
    size += entry.size;
  }
  return { id, level, entries, files, size } as Node;
}

export const toNodeEntry = ({ id, files, size, entries }: Node): NodeEntry => ({
  id,
  key: entries[0]!.key,
  lastKey: lastKeyOf(entries.at(-1)!),
  files,
  size,
});

export const lastKeyOf = (entry: FileEntry | NodeEntry): string => ("path" in entry ? entry.key : entry.lastKey);

/** As many parts as are needed, of about the same length. */
export function split<Entry>(entries: readonly Entry[]): (readonly Entry[])[] {
  const parts = entries.length <= MAX_ENTRIES ? 1 : Math.ceil(entries.length / FILLED);
  return Array.from({ length: parts }, (_, i) =>
    entries.slice(Math.floor((i * entries.length) / parts), Math.floor(((i + 1) * entries.length) / parts)),
  );
}
