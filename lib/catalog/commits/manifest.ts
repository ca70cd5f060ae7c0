import { createHash } from "node:crypto";
import { requireDistinct, type FilePath } from "#lib/catalog/files/path.ts";
import { AppError } from "#lib/errors.ts";
import { MAX_FILES } from "./schema.ts";

export interface Content {
  readonly sha256: string;
  readonly size: number;
  /** Named by its sha256 on the wire, not by its git hash. */
  readonly lfs: boolean;
}

/** One file of a commit. */
export interface ManifestFile extends Content {
  readonly path: string;
}

/** What a commit does to one path: other bytes, or none. */
export interface Change {
  readonly path: FilePath;
  readonly content: Content | null;
}

/** @throws bad_request for what cannot lie side by side; file_not_found for the deletion of nothing; too_large */
export function applyChanges(files: readonly ManifestFile[], changes: readonly Change[]): ManifestFile[] {
  const manifest = new Map(files.map((file) => [file.path, file]));
  for (const { path, content } of changes) {
    if (content) manifest.set(path, { path, ...content });
    else if (!manifest.delete(path))
      throw new AppError("file_not_found", `There is no file ${path} to delete; look at what is there.`, { path });
  }
  if (manifest.size > MAX_FILES)
    throw new AppError(
      "too_large",
      `A commit has at most ${MAX_FILES} files, and this one would have ${manifest.size}; pack small files together.`,
      { limit: MAX_FILES, files: manifest.size },
    );
  requireDistinct(manifest.keys());
  return [...manifest.values()].toSorted((a, b) => (a.path < b.path ? -1 : 1));
}

/** Both sorted by path. */
export const isSameManifest = (a: readonly ManifestFile[], b: readonly ManifestFile[]): boolean =>
  a.length === b.length && a.every(({ path, sha256 }, i) => path === b[i]!.path && sha256 === b[i]!.sha256);

/** What a commit is named after. Not when: the same commit sent again has the same id. */
export interface CommitText {
  readonly repoId: string;
  readonly parentId: string | null;
  readonly authorId: string | null;
  readonly title: string;
  readonly message: string;
  /** Sorted by path. */
  readonly files: readonly ManifestFile[];
}

export function toCommitId({ repoId, parentId, authorId, title, message, files }: CommitText): string {
  const text = JSON.stringify([
    repoId,
    parentId,
    authorId,
    title,
    message,
    files.map(({ path, sha256, size, lfs }) => [path, sha256, size, lfs]),
  ]);
  return createHash("sha1").update(text).digest("hex");
}
