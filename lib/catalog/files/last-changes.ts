import { compareKeys, keyOf, SEPARATOR } from "#lib/catalog/trees/key.ts";
import type { LoadNodes } from "#lib/catalog/trees/change.ts";
import { type FileEntry, isLeaf, type Node } from "#lib/catalog/trees/node.ts";
import type { CommitBefore } from "./repository.ts";

/** The commit that gave a file the content that it has. */
export interface LastChange {
  readonly commit: string;
  readonly title: string;
  readonly createdAt: string;
}

const COMMITS_AT_ONCE = [8, 24, 68]; // most files of a page have changed lately, or with the first of a hundred
export const MOST_COMMITS = COMMITS_AT_ONCE.reduce((sum, count) => sum + count);
const MOST_NODES = 400; // of 24 files or so; what lies further back has no date on a page

/**
 * Who changed these files and folders last, by path; a folder, who changed a file in it. From commit to commit only those nodes are
 * compared that the two do not share. What is older than a hundred commits, or lies behind a change of very many files, is not there.
 */
export async function findLastChanges(
  history: readonly CommitBefore[],
  paths: readonly string[],
  load: LoadNodes,
): Promise<Map<string, LastChange>> {
  const found = new Map<string, LastChange>();
  const wanted = new Map(paths.map((path) => [keyOf(path), path]));
  const keys = [...wanted.keys()].toSorted(compareKeys);
  if (keys.length === 0) return found;
  const range = { first: keys[0]!, last: keys.at(-1)! };
  const note = (file: FileEntry, commit: CommitBefore): void => {
    for (let key = file.key; key !== ""; key = key.slice(0, Math.max(0, key.lastIndexOf(SEPARATOR)))) {
      const path = wanted.get(key);
      if (path === undefined) continue;
      found.set(path, toLastChange(commit));
      wanted.delete(key);
    }
  };
  const budget = { nodes: MOST_NODES };
  let at = 0;
  for (const count of COMMITS_AT_ONCE) {
    const pairs = history
      .slice(at, at + count)
      .flatMap((commit, i) => (history[at + i + 1] ? [{ commit, before: history[at + i + 1]! }] : []));
    for (const { commit, files } of await changedFiles(pairs, load, range, budget)) {
      if (files === null) return found;
      for (const file of files) note(file, commit);
      if (wanted.size === 0) return found;
    }
    at += count;
  }
  const first = history.at(-1);
  if (first?.parentId === null) for (const path of wanted.values()) found.set(path, toLastChange(first));
  return found;
}

const toLastChange = ({ id, title, createdAt }: CommitBefore): LastChange => ({
  commit: id,
  title,
  createdAt: createdAt.toISOString(),
});

interface Pair {
  readonly commit: CommitBefore;
  readonly before: CommitBefore;
}

/** Of each commit the files that the one before did not have so; null where that would be too much to look at. */
async function changedFiles(
  pairs: readonly Pair[],
  load: LoadNodes,
  range: { readonly first: string; readonly last: string },
  budget: { nodes: number },
): Promise<{ readonly commit: CommitBefore; readonly files: FileEntry[] | null }[]> {
  const known = new Map<string, Node>();
  const isIn = ({ key, lastKey }: { readonly key: string; readonly lastKey: string }): boolean =>
    compareKeys(lastKey, range.first) >= 0 &&
    (compareKeys(key, range.last) <= 0 || key.startsWith(range.last + SEPARATOR));
  let open = pairs.map(({ commit, before }) => ({
    commit,
    after: [commit.treeId],
    before: [before.treeId],
    isCut: false,
  }));
  for (;;) {
    const ids = new Set<string>();
    for (const pair of open.filter(({ isCut }) => !isCut)) {
      const [after, before] = [new Set(pair.after), new Set(pair.before)];
      pair.after = pair.after.filter((id) => !before.has(id));
      pair.before = pair.before.filter((id) => !after.has(id));
      const unknown = [...pair.after, ...pair.before].filter((id) => !known.has(id) && !ids.has(id));
      pair.isCut = unknown.length > budget.nodes;
      if (pair.isCut) break;
      budget.nodes -= unknown.length;
      for (const id of unknown) ids.add(id);
    }
    const cut = open.findIndex(({ isCut }) => isCut);
    if (cut !== -1) open = open.slice(0, cut + 1);
    for (const node of (await load([...ids])).values()) known.set(node.id, node);
    const whole = cut === -1 ? open : open.slice(0, cut);
    let isDeeper = false;
    for (const pair of whole) {
      const level = Math.max(...[...pair.after, ...pair.before].map((id) => known.get(id)!.level), 0);
      if (level === 0) continue;
      isDeeper = true;
      const below = (id: string): string[] => {
        const node = known.get(id)!;
        return isLeaf(node) || node.level < level ? [id] : node.entries.filter(isIn).map((entry) => entry.id);
      };
      pair.after = pair.after.flatMap(below);
      pair.before = pair.before.flatMap(below);
    }
    if (!isDeeper)
      return open.map((pair) => ({ commit: pair.commit, files: pair.isCut ? null : filesOnlyAfter(pair, known) }));
  }
}

function filesOnlyAfter(
  { after, before }: { readonly after: readonly string[]; readonly before: readonly string[] },
  known: ReadonlyMap<string, Node>,
): FileEntry[] {
  const filesOf = (ids: readonly string[]): FileEntry[] =>
    ids.flatMap((id) => known.get(id)!.entries as readonly FileEntry[]);
  const had = new Map(filesOf(before).map(({ path, sha256 }) => [path, sha256]));
  return filesOf(after).filter(({ path, sha256 }) => had.get(path) !== sha256);
}
