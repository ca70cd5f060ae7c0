import type { TreeEntry } from "#lib/catalog/files/schema.ts";
import type { LastChange } from "#lib/catalog/files/service.ts";
import { gitSha1Of, pointerOf } from "./pointer.ts";

/**
 * A file or a folder as the Hub's clients read it. What git calls a folder we do not know, for our trees are not git's: clients ask for
 * some name, and compare it with none. `lastCommit` is there where it was asked for and is known.
 */
export function toHubEntry({ type, path, size, sha256, gitSha1, lfs }: TreeEntry, change?: LastChange) {
  const lastCommit = change && { id: change.commit, title: change.title, date: change.createdAt };
  if (type === "directory") return { type, oid: gitSha1Of(path), size, path, lastCommit };
  const content = { sha256: sha256!, size };
  if (!lfs) return { type, oid: gitSha1!, size, path, lastCommit };
  const pointer = pointerOf(content);
  return {
    type,
    oid: gitSha1Of(pointer),
    size,
    lfs: { oid: content.sha256, size, pointerSize: pointer.length },
    path,
    lastCommit,
  };
}
