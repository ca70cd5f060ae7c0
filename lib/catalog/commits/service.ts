import { z } from "zod";
import { requireRead, requireWrite, type ReadableRepo, type RepoName, type WritableRepo } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { blobIsPurging, storeBytes } from "#lib/catalog/blobs/service.ts";
import { applyCard, CARD_PATH, planCard, type CardChange } from "#lib/catalog/cards/service.ts";
import { carryInspection, saysNothing } from "#lib/catalog/inspections/carry.ts";
import { requestInspection } from "#lib/catalog/inspections/service.ts";
import { untilRead } from "#lib/catalog/uploads/until-read.ts";
import { isLfs } from "#lib/catalog/uploads/lfs.ts";
import { markLinked, takeVerified } from "#lib/catalog/uploads/taken.ts";
import { grownSince, holdings, requireWithinQuota } from "#lib/catalog/quotas/service.ts";
import { audit } from "#lib/db/audit.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage, type Page } from "#lib/page.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { type Change, type ChangedTree, changeTree, emptyTree } from "#lib/catalog/trees/change.ts";
import { hasContent } from "#lib/catalog/uploads/possession.ts";
import type { TreeFile } from "#lib/catalog/trees/node.ts";
import { parseNewPath } from "#lib/catalog/trees/path.ts";
import { readFiles, readNodes, rootOf } from "#lib/catalog/trees/repository.ts";
import { storeOperations, type StoredOperation } from "./contents.ts";
import { type CommitText, toCommitId } from "./commit-id.ts";
import {
  countHeadPaths,
  countHistory,
  findHead,
  findRef,
  insertCommit,
  isCommitOf,
  lockRepo,
  moveBranch,
  readHistory,
  touchRepo,
  type RefRow,
} from "./repository.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { type CommitItem, type CommitResult, type HistoryQuery, MAX_FILES, type NewCommit } from "./schema.ts";

/**
 * Makes a commit on top of the branch as it is when this begins, or of `parent`. Whoever comes second is told, never rebased.
 * Safe to send again: a commit that was made, and one that would change nothing, answers with the head of the branch.
 *
 * @throws repo_not_found, forbidden, revision_not_found, bad_request, too_large, unsupported_model, file_not_found; ref_moved,
 *   with who was first; and what storeBytes, takeVerified and requestInspection throw
 */
export async function createCommit(actor: Actor, name: RepoName, input: NewCommit): Promise<CommitResult> {
  const repo = await requireWrite(actor, name);
  const branch = input.branch ?? repo.defaultBranch;
  const seen = await findBranch(repo, branch);
  const operations = await storeOperations(repo, authorOf(actor), input.operations);
  await untilRead(operations.flatMap(({ uploadId }) => uploadId ?? []));
  failpoint("commit.object");
  const parentId = input.parent ?? seen?.commitId ?? null;
  const made = await commitStored({ actor, repo, branch, parentId, operations, text: input });
  failpoint("commit.done");
  const [commit] = await readHistory(database(), repo.id, made.id, 1);
  return { ...commit!, branch, isNew: made.isNew };
}

/** A file that the hub itself has made. */
export interface MadeFile {
  readonly path: string;
  readonly bytes: Uint8Array;
}

/**
 * Commits what a worker has made, whatever its size, on top of the default branch as it is. `also` writes what belongs to it in the same
 * transaction, or throws; then there is no commit either. @throws as createCommit
 */
export async function commitMade(
  actor: Actor,
  repo: WritableRepo,
  { files, ...text }: { readonly title: string; readonly message: string; readonly files: readonly MadeFile[] },
  also: (transaction: Transaction, commitId: string) => Promise<void>,
): Promise<void> {
  const operations: StoredOperation[] = [];
  for (const { path, bytes } of files) {
    const { sha256, size } = await storeBytes(
      bytes,
      (content) => hasContent(repo.id, content),
      path.endsWith(".safetensors"),
    );
    operations.push({
      path: parseNewPath(path),
      uploadId: null,
      content: { sha256, size, lfs: isLfs(path, size) },
    });
  }
  const branch = repo.defaultBranch;
  const parentId = (await findBranch(repo, branch))?.commitId ?? null;
  await commitStored({ actor, repo, branch, parentId, operations, text, also });
}

const authorOf = (actor: Actor): string | null => (actor.kind === "person" ? actor.userId : null);

interface StoredCommit {
  readonly actor: Actor;
  readonly repo: WritableRepo;
  readonly branch: string;
  readonly parentId: string | null;
  readonly operations: readonly StoredOperation[];
  readonly text: { readonly title: string; readonly message?: string | undefined };
  readonly also?: (transaction: Transaction, commitId: string) => Promise<void>;
}

async function commitStored({
  actor,
  repo,
  branch,
  parentId,
  operations,
  text: { title, message = "" },
  also = async () => {},
}: StoredCommit): Promise<{ id: string; isNew: boolean }> {
  const card = branch === repo.defaultBranch ? await planCardOf(actor, repo, operations) : null;
  const about = { repoId: repo.id, parentId, authorId: authorOf(actor), title, message };
  return inLockedTransaction(database(), async (transaction) => {
    const made = await commitOnce(transaction, { actor, repo, branch, about, operations, card });
    await also(transaction, made.id);
    return made;
  }).catch(translate);
}

interface Plan {
  readonly actor: Actor;
  readonly repo: WritableRepo;
  readonly branch: string;
  readonly about: Omit<CommitText, "treeId">;
  readonly operations: readonly StoredOperation[];
  readonly card: CardChange | null;
}

async function commitOnce(
  transaction: Transaction,
  { actor, repo, branch, about, operations, card }: Plan,
): Promise<{ id: string; isNew: boolean }> {
  if (!(await lockRepo(transaction, repo.id)))
    throw new AppError("repo_not_found", `${repo.owner}/${repo.name} was deleted meanwhile; nothing was committed.`);
  const ofRepo = { repoId: repo.id };
  const held = await holdings(transaction, ofRepo);
  const head = await findRef(transaction, repo.id, branch);
  const { parentId } = about;
  if (parentId !== null && !(await isCommitOf(transaction, repo.id, parentId)))
    throw await toRefMoved(transaction, repo, branch, head);

  const tree = await treeAfter(transaction, repo.id, parentId, await withUploads(transaction, repo, operations));
  const id = toCommitId({ ...about, treeId: tree.root.id });
  if ((head?.commitId ?? null) !== parentId) {
    if (head?.commitId === id) return { id, isNew: false }; // the answer was lost
    throw await toRefMoved(transaction, repo, branch, head);
  }
  if (parentId !== null && tree.differences.length === 0) return { id: parentId, isNew: false };

  if (!(await isCommitOf(transaction, repo.id, id))) await insertCommit(transaction, id, about, tree); // another branch may have it
  if (branch === repo.defaultBranch) await countHeadPaths(transaction, repo.id, tree.differences);
  if (!(await moveBranch(transaction, repo.id, branch, head, id)))
    throw await toRefMoved(transaction, repo, branch, head);
  await markLinked(
    transaction,
    operations.flatMap(({ uploadId }) => uploadId ?? []),
  );
  const hasOtherBase = card !== null && (await applyCard(transaction, repo.id, card)).hasOtherBase;
  if (!card) await touchRepo(transaction, repo.id);
  const isSameModel = parentId !== null && !hasOtherBase && tree.differences.every(({ path }) => saysNothing(path));
  if (!isSameModel || !(await carryInspection(transaction, parentId, id)))
    await requestInspection(transaction, id, "upload");
  await audit(transaction, actor, "repo.commit", repo.id, { branch, commit: id });
  await requireWithinQuota(transaction, actor, ofRepo, await grownSince(held, transaction, ofRepo));
  failpoint("commit.rows");
  return { id, isNew: true };
}

/** The files of a commit after some changes. @throws too_large, and what changeTree throws */
export async function treeAfter(
  transaction: Transaction,
  repoId: string,
  parentId: string | null,
  changes: readonly Change[],
): Promise<ChangedTree> {
  const load = (ids: readonly string[]) => readNodes(transaction, repoId, ids);
  const parent = parentId === null ? null : (await rootOf(transaction, parentId)).treeId;
  const root = parent === null ? emptyTree : (await load([parent])).get(parent)!;
  const tree = await changeTree(root, changes, load);
  const { files } = tree.root;
  if (files > MAX_FILES)
    throw new AppError(
      "too_large",
      `A commit has at most ${MAX_FILES} files, and this one would have ${files}; pack small files together.`,
      { limit: MAX_FILES, files },
    );
  return tree;
}

/** Null for the first commit of a repo, which makes the default branch. */
async function findBranch(repo: ReadableRepo, name: string): Promise<RefRow | null> {
  const ref = await findRef(database(), repo.id, name);
  if (ref?.kind === "tag")
    throw new AppError("bad_request", `${name} is a tag, and tags do not move; commit to a branch.`, { branch: name });
  if (!ref && name !== repo.defaultBranch)
    throw new AppError(
      "revision_not_found",
      `There is no branch ${name}; make it first, or commit to ${repo.defaultBranch}.`,
      { revision: name },
    );
  return ref;
}

async function planCardOf(
  actor: Actor,
  repo: WritableRepo,
  operations: readonly StoredOperation[],
): Promise<CardChange | null> {
  const operation = operations.find(({ path }) => path === CARD_PATH);
  if (!operation) return null;
  const [change] = await inLockedTransaction(database(), (transaction) => withUploads(transaction, repo, [operation]));
  return planCard(actor, repo, change!.content?.sha256 ?? null);
}

async function withUploads(
  transaction: Transaction,
  repo: WritableRepo,
  operations: readonly StoredOperation[],
): Promise<Change[]> {
  const uploads = await takeVerified(
    transaction,
    repo,
    operations.flatMap(({ uploadId }) => uploadId ?? []),
  );
  return operations.map(({ path, content, uploadId }) => {
    if (uploadId === null) return { path, content };
    const { sha256, size } = uploads.get(uploadId)!;
    return { path, content: { sha256, size, lfs: isLfs(path, size) } };
  });
}

async function toRefMoved(
  transaction: Transaction,
  repo: ReadableRepo,
  branch: string,
  head: RefRow | null,
): Promise<AppError> {
  const [commit] = head ? await readHistory(transaction, repo.id, head.commitId, 1) : [];
  if (!commit)
    return new AppError("ref_moved", `${branch} has no commits yet; leave out the parent.`, { branch, head: null });
  const { id, title, author, createdAt } = commit;
  return new AppError(
    "ref_moved",
    `${branch} has moved on: its newest commit is ${id.slice(0, 7)} “${title}”${author ? ` by ${author}` : ""}. Look at what it changed, then commit on top of it.`,
    { branch, head: id, title, author, createdAt },
  );
}

/** Rules of the database that our own checks can miss. */
function translate(cause: unknown): never {
  const rule = violatedRule(cause);
  if (rule === "tree_entry_path_is_a_path")
    throw new AppError("bad_request", "One of the paths cannot be used; rename it.", { rule }, cause);
  if (rule === "blob_is_purging") throw blobIsPurging(cause);
  throw cause;
}

/** All files of a commit, for a worker that lays them out. */
export const readManifest = (commitId: string): Promise<TreeFile[]> => readFiles(database(), commitId);

/** The commit of the default branch. */
export const headOf = findHead;

/** @throws repo_not_found, revision_not_found */
export async function getCommit(actor: Actor, name: RepoName, revision: string): Promise<CommitItem> {
  const repo = await requireRead(actor, name);
  const { commitId } = await resolveRevision(repo, revision);
  return readCommit(repo, commitId);
}

async function readCommit(repo: ReadableRepo, commitId: string): Promise<CommitItem> {
  const [commit] = await readHistory(database(), repo.id, commitId, 1);
  if (!commit)
    throw new AppError(
      "revision_not_found",
      `${repo.owner}/${repo.name} has no commit ${commitId}; look at its history.`,
      { revision: commitId },
    );
  return commit;
}

/** From the revision back to the first commit. @throws repo_not_found, revision_not_found, bad_request */
export async function listCommits(
  actor: Actor,
  name: RepoName,
  { revision, cursor, limit }: HistoryQuery,
): Promise<Page<CommitItem>> {
  const repo = await requireRead(actor, name);
  const commitId = cursor
    ? parseCursor(cursor, z.tuple([z.string().regex(/^[0-9a-f]{40}$/)]))[0]
    : (await resolveRevision(repo, revision)).commitId;
  const rows = await readHistory(database(), repo.id, commitId, limit + 1);
  return toPage(rows, limit, (last) => [last.parent!]);
}

/** How many commits there are from a revision back to the first, counted to `most`. @throws repo_not_found, revision_not_found */
export async function countCommitsFrom(actor: Actor, name: RepoName, revision: string, most: number): Promise<number> {
  const repo = await requireRead(actor, name);
  const { commitId } = await resolveRevision(repo, revision);
  return countHistory(repo.id, commitId, most);
}

const MOST_COUNTED = 1000; // some milliseconds

/** How many versions a page says there are; it says no more than so many. @throws repo_not_found */
export async function countCommits(actor: Actor, name: RepoName): Promise<number> {
  const repo = await requireRead(actor, name);
  const head = await findHead(repo.id);
  return head === null ? 0 : countHistory(repo.id, head, MOST_COUNTED);
}
