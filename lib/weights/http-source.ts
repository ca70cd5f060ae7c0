import { AppError } from "#lib/errors.ts";
import type { ByteSource } from "./byte-source.ts";

/** Asked for first; the header of most files ends within it. */
const FIRST_BYTES = 2 ** 17;
const MAX_READ = 2 ** 25; // twice the longest header
const DEADLINE_MS = 30_000;

export const isUrl = (text: string): boolean => /^https?:\/\//i.test(text);

/**
 * A file on the web, read by ranges (RFC 9110, section 14): nothing is asked for but what is read, and its beginning only once.
 * Redirects are followed. Each request has half a minute.
 *
 * @throws file_not_found, bad_request where its server does not answer with the bytes that it was asked for
 */
export async function openUrl(text: string): Promise<ByteSource> {
  const url = parse(text);
  const name = decodeURIComponent(url.pathname.split("/").findLast((part) => part !== "") ?? url.hostname);
  const first = await readRange(url, 0, FIRST_BYTES);
  const { size } = first;
  return {
    name,
    size,
    async read(begin, end) {
      const isWithin = Number.isSafeInteger(begin) && Number.isSafeInteger(end) && 0 <= begin && begin <= end;
      if (!isWithin || end > size || end - begin > MAX_READ) {
        const range = `the bytes ${begin} to ${end} are not within its ${size} bytes, or more than ${MAX_READ} at once`;
        throw new AppError("malformed_weights", `${name}: ${range}; get the file again.`, { begin, end, size });
      }
      if (end <= first.bytes.length) return first.bytes.slice(begin, end);
      const next = await readRange(url, begin, end);
      if (next.size === size && next.bytes.length === end - begin) return next.bytes;
      throw new AppError("malformed_weights", `${name} changed while it was read; try again.`, { expected: size });
    },
  };
}

function parse(text: string): URL {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (url && isUrl(url.href)) return url;
  throw new AppError("bad_request", `${text} is no address; write one that begins with https:// or http://.`);
}

interface Answer {
  /** The range that was asked for, or less where the file ends before. */
  readonly bytes: Uint8Array;
  /** Of the whole file. */
  readonly size: number;
}

async function readRange(url: URL, begin: number, end: number): Promise<Answer> {
  const signal = AbortSignal.timeout(DEADLINE_MS);
  const headers = { range: `bytes=${begin}-${end - 1}`, "accept-encoding": "identity" };
  const shown = url.origin + url.pathname; // a query may hold a key
  try {
    const response = await fetch(url, { headers, signal });
    const size = sizeIn(response, shown, begin);
    const expected = Math.min(end, size) - begin;
    return { bytes: await takeBody(response, expected, shown), size };
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    const late = cause instanceof DOMException && cause.name === "TimeoutError";
    const why = late ? `did not answer within ${DEADLINE_MS / 1000} s` : `cannot be reached (${reasonOf(cause)})`;
    throw new AppError("bad_request", `${shown} ${why}; check the address and the network.`, {}, cause);
  }
}

/** Of the whole file, as the answer says: `Content-Range: bytes 0-99/1234`. */
function sizeIn(response: Response, shown: string, begin: number): number {
  const { status, headers } = response;
  const refuse = (code: "bad_request" | "file_not_found", why: string): never => {
    void response.body?.cancel();
    throw new AppError(code, `${shown} ${why}`, { status });
  };
  if (status === 404) refuse("file_not_found", "does not exist (404); check the address.");
  if (status === 401 || status === 403)
    refuse("bad_request", `may not be read without signing in (${status}); download the file and give its path.`);
  if (status === 200)
    refuse("bad_request", "is on a server that sends whole files only; download the file and give its path.");
  const range = headers.get("content-range") ?? "";
  if (status === 416 && begin === 0 && /^bytes \*\/0$/.test(range)) return 0;
  const [, from, size] = /^bytes (\d{1,15})-\d{1,15}\/(\d{1,15})$/.exec(range) ?? [];
  if (status !== 206 || Number(from) !== begin || size === undefined || headers.get("content-encoding"))
    return refuse("bad_request", `answered ${status} where a range of bytes was asked for; download the file instead.`);
  return Number(size);
}

/** No more than was asked for is kept, whatever comes. */
async function takeBody({ body }: Response, expected: number, shown: string): Promise<Uint8Array> {
  const bytes = new Uint8Array(expected);
  let length = 0;
  for await (const chunk of body ?? []) {
    const part: Uint8Array = chunk;
    if (length + part.length > expected) break;
    bytes.set(part, length);
    length += part.length;
  }
  if (length === expected) return bytes;
  throw new AppError("bad_request", `${shown} sent other bytes than it announced; try again.`, { expected, length });
}

const reasonOf = (cause: unknown): string => {
  const { code, message } = (cause instanceof Error ? (cause.cause ?? cause) : {}) as {
    code?: string;
    message?: string;
  };
  return code ?? message ?? "no reason given";
};
