import { createHash } from "node:crypto";

/** What a commit is named after. Not when: the same commit sent again has the same id. */
export interface CommitText {
  readonly repoId: string;
  readonly parentId: string | null;
  readonly authorId: string | null;
  readonly title: string;
  readonly message: string;
  /** The root of its files. */
  readonly treeId: string;
}

/** Commits of before there were trees are named after a list of all their files, and keep that name. */
export function toCommitId({ repoId, parentId, authorId, title, message, treeId }: CommitText): string {
  const text = JSON.stringify([repoId, parentId, authorId, title, message, `tree ${treeId}`]);
  return createHash("sha1").update(text).digest("hex");
}
