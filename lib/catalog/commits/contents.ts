import { isUtf8 } from "node:buffer";
import type { WritableRepo } from "#lib/auth/access.ts";
import { formatOf, HEAD_BYTES, refuseBinary } from "#lib/catalog/blobs/format.ts";
import { storeBytes } from "#lib/catalog/blobs/service.ts";
import { type FilePath, parseNewPath, parsePath } from "#lib/catalog/trees/path.ts";
import { findNamed, hasContent } from "#lib/catalog/uploads/possession.ts";
import { isLfs } from "#lib/catalog/uploads/lfs.ts";
import type { Content, TreeFile } from "#lib/catalog/trees/node.ts";
import { findFiles } from "#lib/catalog/trees/repository.ts";
import { database } from "#lib/db/client.ts";
import { AppError } from "#lib/errors.ts";
import { resolveRevision } from "#lib/catalog/refs/revision.ts";
import { MAX_INLINE_BYTES, MAX_INLINE_FILES, MAX_OPERATIONS, type FileOperation } from "./schema.ts";

/** An operation whose bytes are stored. Which those of an upload are is known in the transaction that takes it. */
export interface StoredOperation {
  readonly path: FilePath;
  readonly content: Content | null;
  readonly uploadId: string | null;
}

const AT_ONCE = 8;

/**
 * Checks all operations, then stores the content that came with them: no pointer before its bytes. What is stored for a commit
 * that then fails is swept away after the grace. @throws bad_request, too_large, unsupported_model, file_not_found,
 * revision_not_found, upload_not_ready
 */
export async function storeOperations(
  repo: WritableRepo,
  userId: string | null,
  operations: readonly FileOperation[],
): Promise<StoredOperation[]> {
  const planned = operations.map((operation) => ({
    operation,
    path: operation.op === "delete" ? parsePath(operation.path) : parseNewPath(operation.path),
    bytes: inlineBytes(operation),
  }));
  if (planned.length > MAX_OPERATIONS)
    throw new AppError("too_large", `A commit takes at most ${MAX_OPERATIONS} operations; make several commits.`, {
      limit: MAX_OPERATIONS,
    });
  if (planned.filter(({ bytes }) => bytes).length > MAX_INLINE_FILES)
    throw new AppError(
      "too_large",
      `A commit takes at most ${MAX_INLINE_FILES} files with their content; upload the others, or make several commits.`,
      { limit: MAX_INLINE_FILES },
    );
  requireOnce(planned.map(({ path }) => path));

  const copies = await sourcesOf(repo, operations);
  const named = await namedBy(repo, userId, operations);
  const stored: StoredOperation[] = [];
  for (let i = 0; i < planned.length; i += AT_ONCE) {
    stored.push(
      ...(await Promise.all(
        planned.slice(i, i + AT_ONCE).map(async ({ operation, path, bytes }) => {
          const uploadId = operation.op === "add" ? (operation.upload ?? null) : null;
          if (operation.op === "copy") return { path, uploadId, content: copies(operation, path) };
          if (operation.op === "add" && operation.sha256 !== undefined) return named(operation.sha256, path);
          if (!bytes) return { path, uploadId, content: null };
          const { sha256, size } = await storeBytes(bytes, (content) => hasContent(repo.id, content));
          return { path, uploadId, content: { sha256, size, lfs: isLfs(path, size) } };
        }),
      )),
    );
  }
  return stored;
}

function requireOnce(paths: readonly string[]): void {
  const seen = new Set<string>();
  for (const path of paths) {
    if (seen.has(path))
      throw new AppError("bad_request", `Two operations are about ${path}; send one for each path.`, { path });
    seen.add(path);
  }
}

function inlineBytes(operation: FileOperation): Uint8Array | null {
  if (operation.op !== "add" || operation.content === undefined) return null;
  const { path, content, encoding } = operation;
  const bytes = Buffer.from(content, encoding === "base64" ? "base64" : "utf8");
  // Node reads what it can of bad base64; so it is written again, which costs less than a pattern over megabytes.
  if (encoding === "base64" && bytes.toString("base64") !== content)
    throw new AppError(
      "bad_request",
      `The content of ${path} is not base64; encode it with padding and without line breaks.`,
      { path },
    );
  if (bytes.byteLength > MAX_INLINE_BYTES)
    throw new AppError(
      "too_large",
      `The content of ${path} is larger than ${MAX_INLINE_BYTES} bytes; upload it, and name the upload.`,
      { path, limit: MAX_INLINE_BYTES, size: bytes.byteLength },
    );
  if (formatOf(bytes.subarray(0, HEAD_BYTES), bytes.byteLength, path) === "text" && !isUtf8(bytes)) refuseBinary(path);
  return bytes;
}

/** What is named by its sha256 only. */
async function namedBy(
  repo: WritableRepo,
  userId: string | null,
  operations: readonly FileOperation[],
): Promise<(sha256: string, to: FilePath) => StoredOperation> {
  const sha256s = operations.flatMap((operation) => (operation.op === "add" ? (operation.sha256 ?? []) : []));
  const found = await findNamed(repo.id, userId, sha256s);
  return (sha256, path) => {
    const content = found.get(sha256);
    if (!content)
      throw new AppError(
        "not_found",
        `${repo.owner}/${repo.name} has no content with the sha256 ${sha256}, and you have not uploaded it there; upload it, and complete the upload first.`,
        { path, sha256 },
      );
    return content.uploadId === null
      ? { path, uploadId: null, content: { sha256, size: content.size, lfs: isLfs(path, content.size) } }
      : { path, uploadId: content.uploadId, content: null };
  };
}

const MAX_SOURCES = 10; // each is resolved by itself

type Copy = Extract<FileOperation, { op: "copy" }>;

/** The files that are copied, each revision looked at once. */
async function sourcesOf(
  repo: WritableRepo,
  operations: readonly FileOperation[],
): Promise<(copy: Copy, to: FilePath) => Content> {
  const revisions = new Set(
    operations.flatMap((operation) => (operation.op === "copy" ? [operation.from.revision] : [])),
  );
  if (revisions.size > MAX_SOURCES)
    throw new AppError(
      "too_large",
      `A commit copies from at most ${MAX_SOURCES} revisions, and this one names ${revisions.size}; make several commits.`,
      { limit: MAX_SOURCES },
    );
  const commits = new Map<string, ReadonlyMap<string, TreeFile>>();
  for (const revision of revisions) {
    const { commitId } = await resolveRevision(repo, revision);
    const paths = operations.flatMap((operation) =>
      operation.op === "copy" && operation.from.revision === revision ? [operation.from.path] : [],
    );
    commits.set(revision, await findFiles(database(), commitId, paths));
  }
  return ({ from }, to) => {
    const file = commits.get(from.revision)!.get(from.path);
    if (!file)
      throw new AppError(
        "file_not_found",
        `There is no file ${from.path} in ${from.revision} to copy; look at what is there.`,
        { path: from.path, revision: from.revision },
      );
    return { sha256: file.sha256, size: file.size, lfs: isLfs(to, file.size) };
  };
}
