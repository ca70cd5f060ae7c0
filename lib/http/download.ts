import { Readable } from "node:stream";
import { requireRead, type ReadableRepo, type RepoName } from "#lib/auth/access.ts";
import type { Actor } from "#lib/auth/actor.ts";
import { readingOf } from "#lib/auth/reading.ts";
import { networkOf } from "#lib/auth/throttle.ts";
import { isCounted, noteDownload } from "#lib/catalog/files/downloads.ts";
import { findFile, type FoundFile } from "#lib/catalog/files/service.ts";
import { log } from "#lib/log.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { type Download, sendBytes } from "./send-bytes.ts";
import { rightToRead } from "./watch-right.ts";

/** A file at a revision. */
export interface FileAddress extends RepoName {
  readonly revision: string;
  readonly path: string;
}

/**
 * An address is used at once, and by whoever goes on after a connection that broke; later a client asks here again. A bucket looks at it
 * when a download begins, and no more: who has it may begin until then, also where the repo has become private.
 */
const SIGNED_SECONDS = 60;

/**
 * The answer to GET or HEAD of a file: its bytes, or for a large one the way to the store. A HEAD says everything of the file and
 * never sends anyone elsewhere, because Hub clients would take their token along.
 *
 * @throws repo_not_found, revision_not_found, file_not_found, range_not_satisfiable, storage_unavailable
 */
export async function downloadFile(
  request: Request,
  actor: Actor,
  { revision, path, ...name }: FileAddress,
): Promise<Response> {
  const repo = await requireRead(actor, name);
  const file = await findFile(repo, revision, path);
  const reading = readingOf(actor, repo);
  const download = toDownload(file, reading);
  const response = file.lfs
    ? await redirect(request, file, download, reading)
    : await sendBytes(request, download, (range, signal) => read(file, range, signal));
  if (request.method === "GET" && response.status < 304 && isCounted(path)) count(request, actor, repo);
  return response;
}

const read = async (file: FoundFile, range: { begin: number; end: number }, signal: AbortSignal): Promise<Readable> =>
  file.size === 0 ? Readable.from([]) : objectStore().read(file.storageKey, range, signal);

function toDownload(file: FoundFile, reading: string): Download {
  const tag = file.lfs ? file.sha256 : file.gitSha1; // what Hub clients expect: git's hash for small files
  return {
    size: file.size,
    tag,
    fileName: file.path.slice(file.path.lastIndexOf("/") + 1),
    contentType: contentTypeOf(file),
    disposition: "attachment",
    right: rightToRead(reading),
    headers: {
      "X-Repo-Commit": file.commitId,
      "X-Linked-ETag": `"${tag}"`,
      "X-Linked-Size": String(file.size),
      "X-Content-Sha256": file.sha256,
      "Repr-Digest": `sha-256=:${Buffer.from(file.sha256, "hex").toString("base64")}:`,
      "Cache-Control": "private, no-cache, no-transform", // to be asked each time: the repo may have become private
    },
  };
}

/** Nothing of strangers is ever a page of ours. */
const contentTypeOf = ({ path, lfs }: FoundFile): string =>
  !lfs && /\.(?:md|txt|json|ya?ml|toml|csv|py|cfg|ini)$|(?:^|\/)(?:\.gitattributes|license|readme)$/i.test(path)
    ? "text/plain; charset=utf-8"
    : "application/octet-stream";

/** To the store, unless the client only asks what the file is, or has it. */
async function redirect(request: Request, file: FoundFile, download: Download, reading: string): Promise<Response> {
  const { method, headers: asked } = request;
  const about = await sendBytes(new Request(request.url, { method: "HEAD", headers: asked }), download, () =>
    Promise.reject(new Error("a HEAD reads nothing")),
  );
  if (method === "HEAD" || about.status === 304) return about;
  const headers = new Headers(about.headers);
  headers.delete("Content-Length");
  headers.set("Cache-Control", "private, no-store"); // the address goes stale
  headers.set(
    "Location",
    await objectStore().signDownload(file.storageKey, {
      fileName: download.fileName,
      contentType: download.contentType,
      disposition: "attachment",
      seconds: SIGNED_SECONDS,
      reading,
    }),
  );
  return new Response(null, { status: 302, headers });
}

/** A download begins at the first byte: what continues one, or only looks, is not another. Never waited for, never a failure. */
function count(request: Request, actor: Actor, repo: ReadableRepo): void {
  if (!/^(?:bytes=0-)?$/.test(request.headers.get("range") ?? "")) return;
  noteDownload(repo, { actor, network: networkOf(request.headers) }).catch((cause: unknown) =>
    log().warn({ event: "download.not_counted", err: cause }, "a download was not counted"),
  );
}
