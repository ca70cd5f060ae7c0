import { Readable } from "node:stream";
import { partCame } from "#lib/catalog/uploads/read-along.ts";
import { AppError } from "#lib/errors.ts";
import type { DiskStore } from "#lib/storage/disk.ts";
import { isObjectKey } from "#lib/storage/keys.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { Arrival } from "./arrival.ts";
import { Seats } from "./seats.ts";
import { sendBytes } from "./send-bytes.ts";
import { rightToRead } from "./watch-right.ts";

const PARTS_AT_ONCE = 64; // of one person; each holds a file open

// Next may load this module more than once in one process; the seats must be the same.
const shared = globalThis as { guidepostPartSeats?: Seats };
const seats = (shared.guidepostPartSeats ??= new Seats());

/** The bytes of a part, from whoever holds its URL, to the disk as they come. Answers with the part's ETag, as S3 does. */
export async function receivePart(request: Request, key: string): Promise<Response> {
  const store = requireDiskStore(key);
  const grant = store.parsePartUrl(key, new URL(request.url).searchParams);
  requireLength(request.headers.get("content-length"), grant.size);
  const arrival = new Arrival(request.body ?? Readable.from([]));
  const free = seats.take(grant.by, PARTS_AT_ONCE, arrival);
  if (!free)
    throw new AppError(
      "rate_limited",
      `You are sending ${PARTS_AT_ONCE} parts already, as many as one may at once; send this one when one of them has come.`,
      { limit: PARTS_AT_ONCE, retryAfter: 2 },
    );
  const part = await store
    .receivePart(key, grant, arrival)
    .catch((cause: unknown) => {
      if (request.signal.aborted)
        throw new AppError(
          "cancelled",
          "The connection ended before all bytes of the part had come; send the part again.",
          {},
          cause,
        );
      throw cause;
    })
    .finally(free);
  failpoint("upload.part");
  partCame(key, grant.storageId);
  return new Response(null, { headers: { ETag: `"${part.tag}"` } });
}

/** An object, for whoever holds its URL, while the reader that it was given to may read. @throws repo_not_found */
export async function sendObject(request: Request, key: string): Promise<Response> {
  const store = requireDiskStore(key);
  const { reading, ...grant } = store.parseDownloadUrl(key, new URL(request.url).searchParams);
  const right = reading === undefined ? null : rightToRead(reading);
  await right?.require();
  const facts = await store.head(key);
  if (!facts) throw noSuchObject(key);
  return sendBytes(request, { ...facts, ...grant, right }, (range, signal) => store.read(key, range, signal));
}

function requireDiskStore(key: string): DiskStore {
  const store = objectStore();
  if (store.kind === "disk" && isObjectKey(key)) return store as DiskStore; // Next may have loaded the class twice
  throw noSuchObject(key);
}

/** Said before the first byte is read; a body that says nothing of its length is counted as it comes. */
function requireLength(contentLength: string | null, size: number): void {
  if (contentLength === null || Number(contentLength) === size) return;
  const detail = { expected: size, actual: Number(contentLength) };
  throw new AppError(
    Number(contentLength) > size ? "too_large" : "bytes_differ",
    `This part must have ${size} bytes, and the request has ${contentLength}; send exactly those it was announced with.`,
    detail,
  );
}

const noSuchObject = (key: string): AppError =>
  new AppError("not_found", "There is nothing at this address; ask the hub for a new link.", { key });
