import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { ByteRange } from "#lib/storage/store.ts";
import { contentDisposition } from "#lib/util/content-disposition.ts";
import { matchesEtag, mayUseRange, parseRange } from "./range.ts";

/** Something that can be downloaded. */
export interface Download {
  readonly size: number;
  /** A strong validator, without quotes. */
  readonly tag: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly disposition: "inline" | "attachment";
  readonly headers?: Readonly<Record<string, string>>;
}

/**
 * The answer to GET or HEAD for bytes: whole or a range, or that the client has them already. What strangers uploaded is never
 * run: no guessing of types, no scripts. `read` is called for a GET that needs bytes; the stream ends when the client goes away.
 *
 * @throws range_not_satisfiable
 */
export async function sendBytes(
  request: Request,
  download: Download,
  read: (range: ByteRange, signal: AbortSignal) => Promise<Readable>,
): Promise<Response> {
  const { size, tag, fileName, contentType, disposition } = download;
  const headers = new Headers({
    ETag: `"${tag}"`,
    "Accept-Ranges": "bytes",
    "Cache-Control": "private, no-transform", // compressed on the way, a range would be one of other bytes
    "Content-Type": contentType,
    "Content-Disposition": contentDisposition(disposition, fileName),
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "sandbox; default-src 'none'",
    ...download.headers,
  });
  if (matchesEtag(request.headers.get("if-none-match"), tag)) return new Response(null, { status: 304, headers });

  const asked =
    request.method === "GET" && mayUseRange(request.headers.get("if-range"), tag)
      ? parseRange(request.headers.get("range"), size)
      : null;
  const range = asked ?? { begin: 0, end: size };
  headers.set("Content-Length", String(range.end - range.begin));
  if (asked) headers.set("Content-Range", `bytes ${range.begin}-${range.end - 1}/${size}`);
  const body = request.method === "HEAD" ? null : toWebStream(await read(range, request.signal));
  return new Response(body, { status: asked ? 206 : 200, headers });
}

/** Read when the client takes more, and closed when it goes away. */
const toWebStream = (stream: Readable): ReadableStream =>
  Readable.toWeb(stream) as NodeReadableStream as ReadableStream;
