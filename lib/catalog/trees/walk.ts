import type { LoadNodes } from "./change.ts";
import { compareKeys } from "./key.ts";
import { type FileEntry, isLeaf, type Node, type NodeEntry } from "./node.ts";

export interface Walk {
  /** Only keys that begin with this. */
  readonly prefix: string;
  /** Only keys after this. */
  readonly after: string;
  /** Of files with the same group only the first is given; null for a file of its own. Groups lie together. */
  readonly groupOf?: (key: string) => string | null;
}

const AT_ONCE = 16; // nodes that are loaded together, of 24 entries or so

/** Files in the order of their keys. Loads no node that is not needed for the next few of them, however much is below the root. */
export async function* walk(
  root: Node,
  load: LoadNodes,
  { prefix, after, groupOf = () => null }: Walk,
): AsyncGenerator<FileEntry> {
  let seen: string | null = null;

  const isWanted = ({ key, lastKey }: NodeEntry): boolean =>
    compareKeys(lastKey, after) > 0 &&
    (key.startsWith(prefix) || (compareKeys(key, prefix) < 0 && compareKeys(lastKey, prefix) >= 0));
  const isSeen = ({ key, lastKey }: NodeEntry, group: string | null): boolean =>
    group !== null && groupOf(key) === group && groupOf(lastKey) === group;

  async function* below(node: Node): AsyncGenerator<FileEntry> {
    if (isLeaf(node)) {
      for (const entry of node.entries) {
        if (!entry.key.startsWith(prefix) || compareKeys(entry.key, after) <= 0) continue;
        const group = groupOf(entry.key);
        if (group !== null && group === seen) continue;
        seen = group;
        yield entry;
      }
      return;
    }
    const wanted = node.entries.filter(isWanted);
    while (wanted.length > 0) {
      const batch: NodeEntry[] = [];
      let before = seen;
      while (wanted.length > 0 && batch.length < AT_ONCE) {
        const entry = wanted.shift()!;
        if (isSeen(entry, before)) continue;
        batch.push(entry);
        before = groupOf(entry.lastKey);
      }
      const nodes = await load(batch.map(({ id }) => id));
      for (const { id } of batch) yield* below(nodes.get(id)!);
    }
  }
  yield* below(root);
}
