import type { ReadableRepo } from "#lib/auth/access.ts";
import { AppError } from "#lib/errors.ts";
import { findRevision } from "./repository.ts";

/**
 * The commit that a revision names: a branch, a tag, a commit or at least its first 7 digits, or HEAD for the default branch.
 * @throws revision_not_found
 */
export async function resolveRevision(repo: ReadableRepo, revision: string): Promise<{ commitId: string }> {
  const name = revision === "HEAD" ? repo.defaultBranch : revision;
  const [commitId, another] = name.includes("\0") ? [] : await findRevision(repo.id, name);
  if (commitId !== undefined && another === undefined) return { commitId };
  const where = `${repo.owner}/${repo.name}`;
  throw new AppError(
    "revision_not_found",
    another !== undefined
      ? `Several commits of ${where} begin with ${name}; give more digits.`
      : name === repo.defaultBranch
        ? `${where} has no commits yet; upload something first.`
        : `${where} has no branch, tag or commit ${name}; look at its history.`,
    { revision },
  );
}
