import { z } from "zod";
import { requireRead, requireWrite, type ReadableRepo, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { resolveRevision } from "./revision.ts";
import { audit } from "#lib/db/audit.ts";
import { storableText } from "#lib/catalog/plain-text.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";
import { violatedRule } from "#lib/db/violation.ts";
import { AppError } from "#lib/errors.ts";
import { parseCursor, toPage, type Page } from "#lib/page.ts";
import { requireNewRefName } from "./name.ts";
import { countRefs, insertRef, readRefs, removeRef } from "./repository.ts";
import { MAX_REFS, type NewRef, type RefItem, type RefQuery } from "./schema.ts";

/** Branches, then tags. @throws repo_not_found, bad_request */
export async function listRefs(actor: Actor, name: RepoName, { cursor, limit }: RefQuery): Promise<Page<RefItem>> {
  const repo = await requireRead(actor, name);
  const after = cursor ? parseCursor(cursor, z.tuple([z.enum(["branch", "tag"]), storableText(255)])) : null;
  const rows = await readRefs(repo, after && { kind: after[0], name: after[1] }, limit + 1);
  return toPage(rows, limit, (last) => [last.kind, last.name]);
}

/** All that a repo has, for its page. */
export const refsOf = (repo: ReadableRepo): Promise<RefItem[]> => readRefs(repo, null, MAX_REFS);

/** A branch, or a tag that never moves, at a revision. @throws repo_not_found, forbidden, revision_not_found; conflict; bad_request */
export async function createRef(
  actor: Actor,
  name: RepoName,
  { name: refName, kind, revision }: NewRef,
): Promise<RefItem> {
  const repo = await requireWrite(actor, name);
  requireNewRefName(refName);
  const { commitId } = await resolveRevision(repo, revision);
  return inTransaction(database(), async (transaction) => {
    if ((await countRefs(transaction, repo)) >= MAX_REFS)
      throw new AppError(
        "conflict",
        `${repo.owner}/${repo.name} has ${MAX_REFS} branches and tags, as many as a repo may have; delete one that is not needed.`,
        { limit: MAX_REFS },
      );
    const ref = await insertRef(transaction, repo, { name: refName, kind, commitId });
    await audit(transaction, actor, "ref.create", repo.id, { name: refName, kind, commit: commitId });
    return ref;
  }).catch((cause: unknown) => {
    const rule = violatedRule(cause);
    if (rule === "ref_pkey")
      throw new AppError(
        "conflict",
        `${repo.owner}/${repo.name} has a branch or tag ${refName} already; choose another name.`,
        { name: refName },
        cause,
      );
    if (rule === "ref_name_is_a_name")
      throw new AppError(
        "bad_request",
        `“${refName}” cannot be the name of a branch or tag; use letters, digits, “-”, “_”, “.” and single slashes.`,
        { name: refName },
        cause,
      );
    throw cause;
  });
}

/** The commits stay; they are found by their ids. @throws repo_not_found, forbidden; revision_not_found; conflict for the default branch */
export async function deleteRef(actor: Actor, name: RepoName, refName: string): Promise<void> {
  const repo = await requireWrite(actor, name);
  if (refName === repo.defaultBranch)
    throw new AppError(
      "conflict",
      `${refName} is the default branch and stays; delete the repo if you want all of it gone.`,
      { name: refName },
    );
  await inTransaction(database(), async (transaction) => {
    const commit = await removeRef(transaction, repo, refName);
    if (commit === null)
      throw new AppError(
        "revision_not_found",
        `${repo.owner}/${repo.name} has no branch or tag ${refName}; look at its list.`,
        { name: refName },
      );
    await audit(transaction, actor, "ref.delete", repo.id, { name: refName, commit });
  });
}
