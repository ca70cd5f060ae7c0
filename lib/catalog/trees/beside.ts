import { requireApart } from "./distinct.ts";
import { compareKeys, keyOf } from "./key.ts";
import { type FileEntry, isLeaf, type Node } from "./node.ts";

type GetNode = (id: string) => Promise<Node>;

/** Whether the files at these paths, which are in the tree, can lie beside the others of it. @throws bad_request, which names the two */
export async function requireBeside(root: Node, paths: readonly string[], get: GetNode): Promise<void> {
  for (const path of paths) {
    const key = keyOf(path);
    for (const other of [await neighbour(root, key, -1, get), await neighbour(root, key, 1, get)])
      if (other) requireApart(path, other.path);
  }
}

/** The file before a key, or after it. */
async function neighbour(node: Node, key: string, side: -1 | 1, get: GetNode): Promise<FileEntry | null> {
  if (isLeaf(node))
    return (
      (side === -1
        ? node.entries[countBefore(node.entries, (entry) => compareKeys(entry.key, key) < 0) - 1]
        : node.entries[countBefore(node.entries, (entry) => compareKeys(entry.key, key) <= 0)]) ?? null
    );
  const entry =
    side === -1
      ? node.entries[countBefore(node.entries, (below) => compareKeys(below.key, key) < 0) - 1]
      : node.entries[countBefore(node.entries, (below) => compareKeys(below.lastKey, key) <= 0)];
  return entry ? neighbour(await get(entry.id), key, side, get) : null;
}

/** How many come before the first that `isBefore` does not hold of; with a few looks, since ten thousand paths are looked up. */
function countBefore<Entry>(entries: readonly Entry[], isBefore: (entry: Entry) => boolean): number {
  let [low, high] = [0, entries.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (isBefore(entries[middle]!)) low = middle + 1;
    else high = middle;
  }
  return low;
}
