import { contentsOfRepo, newestUploadsOf } from "./repository.ts";

/** A content that a commit names by its sha256: one that the repo has, or one that is on its way to it. */
export type NamedContent =
  | { readonly sha256: string; readonly size: number; readonly uploadId: null }
  | { readonly sha256: string; readonly uploadId: string };

/**
 * What may be named by its sha256, by that: what a commit of this repo has, and what this person has uploaded to it. Whether another
 * repo has a content is not to be found out in this way.
 */
export async function findNamed(
  repoId: string,
  userId: string | null,
  sha256s: readonly string[],
): Promise<Map<string, NamedContent>> {
  const named = new Map<string, NamedContent>();
  if (sha256s.length === 0) return named;
  for (const { sha256, id } of await newestUploadsOf(repoId, userId, sha256s))
    named.set(sha256, { sha256, uploadId: id });
  for (const { sha256, size } of await contentsOfRepo(repoId, sha256s))
    named.set(sha256, { sha256, size, uploadId: null });
  return named;
}

/** Whether a repo has a content, so that who may write to it may know of it. */
export const hasContent = async (repoId: string, sha256: string): Promise<boolean> =>
  (await contentsOfRepo(repoId, [sha256])).length > 0;
