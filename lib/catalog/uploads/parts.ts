import { AppError } from "#lib/errors.ts";
import { objectStore } from "#lib/storage/open-store.ts";
import type { StoredPart } from "#lib/storage/store.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import type { UploadRow } from "./repository.ts";

/** None for an empty file. */
export const partCountOf = ({ size, partSize }: Pick<UploadRow, "size" | "partSize">): number =>
  Math.ceil(size / partSize);

/** Of the part with this number, from 1 on: the last one has the rest. */
export const partSizeOf = ({ size, partSize }: Pick<UploadRow, "size" | "partSize">, number: number): number =>
  Math.min(partSize, size - (number - 1) * partSize);

/** The numbers of the parts that are there whole. The store is asked, for a part does not come by way of us. */
export async function arrivedParts(row: UploadRow): Promise<number[]> {
  const all = (): number[] => Array.from({ length: partCountOf(row) }, (_, i) => i + 1);
  if (["hashing", "verified", "linked"].includes(row.state)) return all();
  if (row.storageId === null || (row.state !== "open" && row.state !== "receiving")) return [];
  const parts = await listParts(row, row.storageId);
  if (parts) return parts.filter((part) => isRight(row, part)).map(({ number }) => number);
  return (await objectStore().head(row.storageKey)) ? all() : []; // put together, and the answer was lost
}

/**
 * Makes the object of its parts, if it is not made yet. When it returns, all bytes are durable and none can come any more.
 * @returns the tags of the parts that it was made of; null where it was made before
 * @throws bytes_differ with the numbers of the parts that are missing or wrong; upload_not_ready while another process is at it
 */
export async function assemble(row: UploadRow): Promise<string[] | null> {
  const store = objectStore();
  const { storageKey: key, storageId, size } = row;
  if (storageId === null) {
    failpoint("upload.completing");
    if (!(await store.head(key))) await store.put(key, new Uint8Array()); // an empty file has no parts
    return null;
  }
  const parts = await listParts(row, storageId);
  if (parts) requireAll(row, parts);
  failpoint("upload.completing");
  const facts = parts ? await store.completeMultipart(key, storageId, parts) : await store.head(key);
  if (!facts)
    throw new AppError(
      "upload_not_ready",
      `The parts of ${row.path} are being put together; complete it again in a moment. If that does not help, abort it and begin a new one.`,
      { upload: row.id },
    );
  if (facts.size !== size)
    throw new AppError(
      "bytes_differ",
      `${row.path} has ${facts.size} bytes in the store and was announced with ${size}; abort this upload and begin a new one.`,
      { expected: size, actual: facts.size },
    );
  return parts && parts.map(({ tag }) => tag);
}

/** Null when the upload was put together or ended. */
async function listParts({ storageKey }: UploadRow, storageId: string): Promise<StoredPart[] | null> {
  try {
    return await objectStore().listParts(storageKey, storageId);
  } catch (cause) {
    if (cause instanceof AppError && cause.code === "not_found") return null;
    throw cause;
  }
}

const isRight = (row: UploadRow, { number, size }: StoredPart): boolean =>
  number <= partCountOf(row) && size === partSizeOf(row, number);

const SHOWN = 10;

function requireAll(row: UploadRow, parts: readonly StoredPart[]): void {
  const right = new Set(parts.filter((part) => isRight(row, part)).map(({ number }) => number));
  const missing = Array.from({ length: partCountOf(row) }, (_, i) => i + 1).filter((number) => !right.has(number));
  if (missing.length === 0 && parts.length === right.size) return;
  if (missing.length === 0)
    throw new AppError(
      "bytes_differ",
      `More parts of ${row.path} have come than it has; abort this upload and begin a new one.`,
      { partCount: right.size, actual: parts.length },
    );
  const shown = missing.slice(0, SHOWN).join(", ");
  const which =
    missing.length === 1
      ? `Part ${shown}`
      : `The parts ${shown}${missing.length > SHOWN ? ` and ${missing.length - SHOWN} more` : ""}`;
  throw new AppError(
    "bytes_differ",
    `${which} of ${row.path} ${missing.length === 1 ? "has" : "have"} not come whole; send ${missing.length === 1 ? "it" : "them"}, then complete the upload again.`,
    { missing: missing.slice(0, 100), partCount: partCountOf(row) },
  );
}
