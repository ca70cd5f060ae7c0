import { createHmac } from "node:crypto";
import { z } from "zod";
import { requireRead, type ReadableRepo, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { readBeginning } from "#lib/catalog/blobs/service.ts";
import { resolveRevision } from "#lib/catalog/commits/service.ts";
import { env } from "#lib/env.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage } from "#lib/page.ts";
import {
  countDownload,
  findFileRow,
  type LastChange,
  readFolder,
  readLastChanges,
  type FileRow,
  type StoredFile,
} from "./repository.ts";
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
  const after = cursor ? parseCursor(cursor, z.tuple([z.string()]))[0] : "";
  const { commitId } = await resolveRevision(repo, revision);
  const files = folder.includes("\0") ? [] : await readFolder(commitId, folder);
  if (folder !== "" && files.length === 0)
    throw new AppError(
      "file_not_found",
      `${repo.owner}/${repo.name} has no folder ${folder} in ${revision}; look at what is there.`,
      { path: folder, commit: commitId },
    );
  const entries = toEntries(files, folder, recursive).filter(({ path }) => path > after);
  return { commit: commitId, ...toPage(entries.slice(0, limit + 1), limit, (last) => [last.path]) };
}

const LOOKED_THROUGH = { commits: 100, files: 20_000 }; // some 50 ms; what is older has no date on a page

/** What changed each entry of a folder last; a folder, whatever is newest in it. By path. @throws repo_not_found, revision_not_found */
export async function lastChanges(
  actor: Actor,
  name: RepoName,
  revision: string,
  folder: string,
): Promise<ReadonlyMap<string, LastChange>> {
  const { commitId } = await resolveRevision(await requireRead(actor, name), revision);
  const start = folder === "" ? 0 : folder.length + 1;
  const changes = new Map<string, LastChange>();
  for (const [path, change] of await readLastChanges(commitId, folder, LOOKED_THROUGH)) {
    const end = path.indexOf("/", start);
    const entry = end === -1 ? path : path.slice(0, end);
    if (change.createdAt >= (changes.get(entry)?.createdAt ?? "")) changes.set(entry, change);
  }
  return changes;
}

/** In code-unit order of their paths. */
function toEntries(files: readonly StoredFile[], folder: string, recursive: boolean): TreeEntry[] {
  const start = folder === "" ? 0 : folder.length + 1;
  const entries = new Map<string, TreeEntry>();
  for (const { path, size, sha256, gitSha1, lfs } of files) {
    let end = path.indexOf("/", start);
    for (; end !== -1; end = recursive ? path.indexOf("/", end + 1) : -1) {
      const directory = path.slice(0, end);
      entries.set(directory, { type: "directory", path: directory, size: 0, sha256: null, gitSha1: null, lfs: false });
    }
    if (recursive || !path.includes("/", start)) entries.set(path, { type: "file", path, size, sha256, gitSha1, lfs });
  }
  return [...entries.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Who downloads: a person, or somebody at an address with a program. */
export interface Visitor {
  readonly actor: Actor;
  readonly address: string | null;
  readonly userAgent: string | null;
}

// What this process has counted today; most who come again are answered from here.
const counted = { day: "", visitors: new Set<string>() };
const MAX_REMEMBERED = 100_000; // of 100 bytes or so each

/** Counts a download, once for each repo, day and visitor. A visitor is kept as a keyed hash and only for the day. */
export async function noteDownload(repo: ReadableRepo, { actor, address, userAgent }: Visitor): Promise<void> {
  const { secret } = env();
  if (secret === null) return;
  const day = new Date().toISOString().slice(0, 10);
  const who = actor.kind === "person" ? ["person", actor.userId] : ["address", address, userAgent];
  const visitor = createHmac("sha256", secret)
    .update(JSON.stringify(["download", repo.id, day, ...who]))
    .digest("hex");
  if (counted.day !== day || counted.visitors.size >= MAX_REMEMBERED)
    Object.assign(counted, { day, visitors: new Set() });
  if (counted.visitors.has(visitor)) return;
  await countDownload(repo.id, day, visitor);
  counted.visitors.add(visitor);
}

/** The beginning of a file, for a page that shows text. Null for what is no text. @throws storage_unavailable */
export async function readText(
  file: FileRow,
  limit: number,
): Promise<{ readonly text: string; readonly isCut: boolean } | null> {
  const bytes = await readBeginning(file, limit);
  if (bytes.includes(0)) return null;
  const isCut = file.size > limit;
  try {
    return { text: new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: isCut }), isCut };
  } catch {
    return null;
  }
}
