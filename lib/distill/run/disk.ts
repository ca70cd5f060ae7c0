import { AppError } from "#lib/errors.ts";

const full = new Set(["ENOSPC", "EDQUOT", "EFBIG"]);
const closed = new Set(["EACCES", "EPERM", "EROFS"]);

/** Runs what writes to a disk; what that refuses becomes a sentence. `kept` says what is left of the run and how it goes on. */
export async function onDisk<T>(place: string, kept: () => string, work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (cause) {
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : "";
    if (full.has(code))
      throw new AppError("disk_full", `The disk of ${place} is full; make room and ${kept()}.`, { place, code }, cause);
    if (closed.has(code))
      throw new AppError(
        "bad_request",
        `${place} cannot be written to (${code}); change its permissions and ${kept()}.`,
        { place, code },
        cause,
      );
    throw cause;
  }
}
