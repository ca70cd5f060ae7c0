import { AppError } from "#lib/errors.ts";
import { compareKeys, keyOf, SEPARATOR } from "./key.ts";
import { type FileEntry, isLeaf, type Node } from "./node.ts";

type GetNode = (id: string) => Promise<Node>;

/**
 * Whether the files at these paths can lie beside the others of a tree on any disk: none is a folder of another, and folders that are
 * one on some disks are one folder everywhere. Their neighbours are enough to know: a folder's files are one after the other, and come
 * right after a file of its name.
 *
 * @throws bad_request, which names the two
 */
export async function requireBeside(root: Node, paths: readonly string[], get: GetNode): Promise<void> {
  for (const path of paths) {
    const key = keyOf(path);
    for (const other of [await neighbour(root, key, -1, get), await neighbour(root, key, 1, get)])
      if (other) requireApart(path, key, other);
  }
}

function requireApart(path: string, key: string, other: FileEntry): void {
  const refuse = (rule: string, sentence: string): never => {
    throw new AppError("bad_request", `«${path}» and «${other.path}» cannot both be there: ${sentence}`, {
      path,
      other: other.path,
      rule,
    });
  };
  if (key.startsWith(other.key + SEPARATOR) || other.key.startsWith(key + SEPARATOR))
    refuse("folder", "one is a file and the other needs a folder of that name; rename one.");
  const [folders, others] = [path.split("/").slice(0, -1), other.path.split("/").slice(0, -1)];
  for (const [i, folder] of folders.entries()) {
    if (others[i] === undefined || keyOf(others[i]) !== keyOf(folder)) return;
    if (others[i] !== folder)
      refuse(
        "case",
        "their folders differ only in capital letters, which some disks do not tell apart; write both in the same way.",
      );
  }
}

/** The file before a key, or after it. */
async function neighbour(node: Node, key: string, side: -1 | 1, get: GetNode): Promise<FileEntry | null> {
  if (isLeaf(node))
    return (side === -1
      ? node.entries[countBefore(node.entries, (entry) => compareKeys(entry.key, key) < 0) - 1]
      : node.entries[countBefore(node.entries, (entry) => compareKeys(entry.key, key) <= 0)]) ?? null;
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
