import { Readable } from "node:stream";
import type { ReadableStream as NodeReadableStream } from "node:stream/web";
import type { ByteRange } from "#lib/storage/store.ts";
import { contentDisposition } from "#lib/util/content-disposition.ts";
import { matchesEtag, mayUseRange, parseRange } from "./range.ts";
import { type Right, watchRight } from "./watch-right.ts";

/** Something that can be downloaded. */
export interface Download {
  readonly size: number;
  /** A strong validator, without quotes. */
  readonly tag: string;
  readonly fileName: string;
  readonly contentType: string;
  readonly disposition: "inline" | "attachment";
  readonly headers?: Readonly<Record<string, string>>;
  /** By what it is read; where it is lost, the bytes end. */
  readonly right: Right | null;
}

/**
 * The answer to GET or HEAD for bytes: whole or a range, or that the client has them already. What strangers uploaded is never
 * run: no guessing of types, no scripts. `read` is called for a GET that needs bytes; the stream ends when the client goes away, or may
 * not read any more.
 *
 * @throws range_not_satisfiable
 */
export async function sendBytes(
  request: Request,
  download: Download,
  read: (range: ByteRange, signal: AbortSignal) => Promise<Readable>,
): Promise<Response> {
  const { size, tag, fileName, contentType, disposition, right } = download;
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

  // Of an empty file no range is there, and a server may send all of it instead. A client asks for the first byte of a file to learn its
  // size, and reads that here; with another status than 206 and 416 the header means nothing to others (RFC 9110 §14.4).
  if (size === 0 && request.headers.has("range")) headers.set("Content-Range", "bytes */0");
  const asked =
    size > 0 && request.method === "GET" && mayUseRange(request.headers.get("if-range"), tag)
      ? parseRange(request.headers.get("range"), size)
      : null;
  const range = asked ?? { begin: 0, end: size };
  headers.set("Content-Length", String(range.end - range.begin));
  if (asked) headers.set("Content-Range", `bytes ${range.begin}-${range.end - 1}/${size}`);
  const status = asked ? 206 : 200;
  if (request.method === "HEAD") return new Response(null, { status, headers });
  const lost = new AbortController();
  const stream = await read(range, AbortSignal.any([request.signal, lost.signal]));
  if (right)
    stream.once(
      "close",
      watchRight(right, () => lost.abort()),
    );
  return new Response(toWebStream(stream), { status, headers });
}

/** Read when the client takes more, and closed when it goes away. */
const toWebStream = (stream: Readable): ReadableStream =>
  Readable.toWeb(stream) as NodeReadableStream as ReadableStream;
