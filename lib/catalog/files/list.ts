import type { LoadNodes } from "#lib/catalog/trees/change.ts";
import { keyOf, keysIn, SEPARATOR } from "#lib/catalog/trees/key.ts";
import type { FileEntry, Node } from "#lib/catalog/trees/node.ts";
import { walk } from "#lib/catalog/trees/walk.ts";

/** A file, or the name of a folder. */
export type Listed = { readonly path: string; readonly file: FileEntry | null };

/** Where a list goes on: after a file, or after a folder. */
export interface Place {
  readonly path: string;
  readonly isFolder: boolean;
}

const AFTER_ALL_IN_IT = "\u0002"; // sorts right after SEPARATOR, and before all that a name may hold

/** At most `count` of the files and folders that are in a folder. Folders whose names differ only in capital letters are one. */
export async function listFolder(
  root: Node,
  load: LoadNodes,
  folder: string,
  after: Place | null,
  count: number,
): Promise<Listed[]> {
  const prefix = keysIn(folder);
  const depth = folder === "" ? 0 : folder.split("/").length;
  const groupOf = (key: string): string | null => {
    const end = key.indexOf(SEPARATOR, prefix.length);
    return end === -1 ? null : key.slice(0, end);
  };
  const listed: Listed[] = [];
  const begin = after ? keyOf(after.path) + (after.isFolder ? AFTER_ALL_IN_IT : "") : "";
  for await (const file of walk(root, load, { prefix, after: begin, groupOf })) {
    if (groupOf(file.key) === null) listed.push({ path: file.path, file });
    else
      listed.push({
        path: file.path
          .split("/")
          .slice(0, depth + 1)
          .join("/"),
        file: null,
      });
    if (listed.length === count) break;
  }
  return listed;
}

/** At most `count` of the files and folders below a folder, each folder before what is in it. */
export async function listAllBelow(
  root: Node,
  load: LoadNodes,
  folder: string,
  after: Place | null,
  count: number,
): Promise<Listed[]> {
  const listed: Listed[] = [];
  let before = partsOf(keyOf(after?.path ?? folder));
  for await (const file of walk(root, load, { prefix: keysIn(folder), after: after ? keyOf(after.path) : "" })) {
    const [keys, names] = [partsOf(file.key), file.path.split("/")];
    let named = 0; // the folders that it shares with what came before it
    while (named < keys.length - 1 && keys[named] === before[named]) named++;
    for (let depth = named + 1; depth < names.length; depth++) {
      listed.push({ path: names.slice(0, depth).join("/"), file: null });
      if (listed.length === count) return listed;
    }
    listed.push({ path: file.path, file });
    if (listed.length === count) return listed;
    before = keys;
  }
  return listed;
}

const partsOf = (key: string): string[] => (key === "" ? [] : key.split(SEPARATOR));
