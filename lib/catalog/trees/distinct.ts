import { AppError } from "#lib/errors.ts";
import { compareKeys, keyOf, SEPARATOR } from "./key.ts";

/**
 * Whether two files can lie side by side on any disk, also on one that does not tell capital letters from small ones.
 * @throws bad_request, which names the two
 */
export function requireApart(path: string, other: string): void {
  const [key, otherKey] = [keyOf(path), keyOf(other)];
  if (key === otherKey)
    refuse(path, other, "case", "they differ only in capital letters, which some disks do not tell apart; rename one.");
  if (key.startsWith(otherKey + SEPARATOR) || otherKey.startsWith(key + SEPARATOR))
    refuse(path, other, "folder", "one is a file and the other needs a folder of that name; rename one.");
  const [folders, others] = [path.split("/"), other.split("/")];
  const [keys, otherKeys] = [key.split(SEPARATOR), otherKey.split(SEPARATOR)];
  for (const [i, folder] of folders.entries()) {
    const beside = others[i];
    if (i === folders.length - 1 || i === others.length - 1 || keys[i] !== otherKeys[i]) return;
    if (beside !== folder)
      refuse(
        path,
        other,
        "case",
        `their folders “${folder}” and “${beside}” differ only in capital letters, which some disks do not tell apart; write both in the same way.`,
      );
  }
}

function refuse(path: string, other: string, rule: string, sentence: string): never {
  throw new AppError("bad_request", `“${path}” and “${other}” cannot both be there: ${sentence}`, {
    path,
    other,
    rule,
  });
}

/**
 * Whether all these can lie side by side. Neighbours in the order of keys are enough to look at: the files of a folder are one after
 * the other, and right after a file of its name. @throws bad_request, which names the two
 */
export function requireDistinct(paths: readonly string[]): void {
  const sorted = paths
    .map((path) => ({ path, key: keyOf(path) }))
    .toSorted((a, b) => compareKeys(a.key, b.key))
    .map(({ path }) => path);
  for (const [i, path] of sorted.entries()) if (i > 0) requireApart(sorted[i - 1]!, path);
}
