import { z } from "zod";
import { requireRead, type ReadableRepo, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import type { LoadNodes } from "#lib/catalog/trees/change.ts";
import { keyOf, SEPARATOR } from "#lib/catalog/trees/key.ts";
import type { Node } from "#lib/catalog/trees/node.ts";
import { findFiles, readNodes, rootOf } from "#lib/catalog/trees/repository.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage } from "#lib/page.ts";
import { isStorableText } from "#lib/util/storable.ts";
import { findLastChanges, type LastChange, MOST_COMMITS } from "./last-changes.ts";
import { listAllBelow, type Listed, listFolder } from "./list.ts";
import { type FileRow, findFileRow, gitNamesOf, readFileRows, readRoots } from "./repository.ts";
import type { Tree, TreeEntry, TreeQuery } from "./schema.ts";

export type { LastChange };

/** One file at one revision. */
export interface FoundFile extends FileRow {
  readonly commitId: string;
}

/** @throws revision_not_found; file_not_found, whose detail has the commit, so that a client may remember the absence */
export async function findFile(repo: ReadableRepo, revision: string, path: string): Promise<FoundFile> {
  const { commitId } = await resolveRevision(repo, revision);
  const row = path.includes("\0") ? null : await findFileRow(commitId, path);
  if (row) return { ...row, commitId };
  throw new AppError(
    "file_not_found",
    `${repo.owner}/${repo.name} has no file ${path} in ${revision}; look at what is there.`,
    { path, commit: commitId },
  );
}

/** What is in a folder, with all below it if asked; folders count as entries. @throws repo_not_found, revision_not_found, file_not_found */
export async function listTree(
  actor: Actor,
  name: RepoName,
  { revision, path: folder, recursive, cursor, limit }: TreeQuery,
): Promise<Tree> {
  const repo = await requireRead(actor, name);
  const after = cursor ? parseCursor(cursor, cursorPlace) : null;
  const { commitId } = await resolveRevision(repo, revision);
  const { root, load } = await openTree(commitId);
  const list = recursive ? listAllBelow : listFolder;
  const listed = folder.includes(SEPARATOR)
    ? []
    : await list(root, load, folder, after && { path: after[0], isFolder: after[1] === "directory" }, limit + 1);
  if (folder !== "" && listed.length === 0 && !after)
    throw new AppError(
      "file_not_found",
      `${repo.owner}/${repo.name} has no folder ${folder} in ${revision}; look at what is there.`,
      { path: folder, commit: commitId },
    );
  const entries = await toEntries(listed);
  return { commit: commitId, ...toPage(entries, limit, (last) => [last.path, last.type]) };
}

/** What a revision holds. */
export interface FilesAt {
  /** 40 hexadecimal digits. */
  readonly commit: string;
  readonly files: readonly Omit<FileRow, "storageKey">[];
}

/** All files of a revision, for clients that choose among them by their names. At most as many as a commit may have. @throws revision_not_found */
export async function listFiles(repo: ReadableRepo, revision: string): Promise<FilesAt> {
  const { commitId } = await resolveRevision(repo, revision);
  return { commit: commitId, files: await readFileRows(commitId) };
}

/** Those of these paths that are a file or a folder of a revision, in their order. @throws repo_not_found, revision_not_found */
export async function findEntries(
  actor: Actor,
  name: RepoName,
  revision: string,
  paths: readonly string[],
): Promise<{ readonly commit: string; readonly entries: readonly TreeEntry[] }> {
  const { commitId } = await resolveRevision(await requireRead(actor, name), revision);
  const files = await findFiles(database(), commitId, paths);
  const { root, load } = await openTree(commitId);
  const loadOnce = remembering(load);
  const listed: Listed[] = [];
  for (const path of paths.filter((path) => isStorableText(path))) {
    const file = files.get(path);
    if (file) listed.push({ path, file: { ...file, key: keyOf(path) } });
    else if (await isFolder(root, loadOnce, path)) listed.push({ path, file: null });
  }
  return { commit: commitId, entries: await toEntries(listed) };
}

/** In these capital letters. */
async function isFolder(root: Node, load: LoadNodes, path: string): Promise<boolean> {
  if (path === "" || path.includes(SEPARATOR)) return false;
  const [first] = await listFolder(root, load, path, null, 1);
  return first !== undefined && first.path.startsWith(`${path}/`);
}

/** Loads each node once: paths that are asked for together lie in the same nodes. */
function remembering(load: LoadNodes): LoadNodes {
  const known = new Map<string, Node>();
  return async (ids) => {
    for (const [id, node] of await load(ids.filter((one) => !known.has(one)))) known.set(id, node);
    return known;
  };
}

const cursorPlace = z.tuple([z.string(), z.enum(["file", "directory"])]);

async function openTree(commitId: string): Promise<{ readonly root: Node; readonly load: LoadNodes }> {
  const { repoId, treeId } = await rootOf(database(), commitId);
  const load: LoadNodes = (ids) => readNodes(database(), repoId, ids);
  return { root: (await load([treeId])).get(treeId)!, load };
}

async function toEntries(listed: readonly Listed[]): Promise<TreeEntry[]> {
  const gitNames = await gitNamesOf(listed.flatMap(({ file }) => file?.sha256 ?? []));
  return listed.map(({ path, file }) =>
    file
      ? { type: "file", path, size: file.size, sha256: file.sha256, gitSha1: gitNames.get(file.sha256)!, lfs: file.lfs }
      : { type: "directory", path, size: 0, sha256: null, gitSha1: null, lfs: false },
  );
}

/** What changed these files and folders of a commit last, by path. @throws repo_not_found, revision_not_found */
export async function lastChanges(
  actor: Actor,
  name: RepoName,
  revision: string,
  paths: readonly string[],
): Promise<ReadonlyMap<string, LastChange>> {
  const { commitId } = await resolveRevision(await requireRead(actor, name), revision);
  const { repoId } = await rootOf(database(), commitId);
  return findLastChanges(await readRoots(commitId, MOST_COMMITS + 1), paths, (ids) =>
    readNodes(database(), repoId, ids),
  );
}
