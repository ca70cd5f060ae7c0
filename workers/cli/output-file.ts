import { access, constants, stat } from "node:fs/promises";
import { dirname } from "node:path";
import { AppError } from "#lib/errors.ts";
import { requireReplaceable, writeWhole } from "#lib/util/write-whole.ts";

/** Finds out before minutes of work whether its result can be written. @throws bad_request */
export async function requireWritable(path: string): Promise<void> {
  if (path === "") throw new AppError("bad_request", "The file to write has an empty name; name one.");
  const place = await requireReplaceable(path).catch(cannotWrite(path));
  if (place.kind === "stream") return;
  const folder = dirname(place.path);
  const isFolder = (await stat(folder).catch(() => null))?.isDirectory() ?? false;
  const mayWrite =
    isFolder &&
    (await access(folder, constants.W_OK).then(
      () => true,
      () => false,
    ));
  if (mayWrite) return;
  throw new AppError(
    "bad_request",
    `${path} cannot be written: the folder ${folder} is missing or read-only; make it or choose another.`,
    { path },
  );
}

/** `writeWhole`, whose failures are sentences. @throws bad_request */
export const writeOutput = (path: string, bytes: Uint8Array): Promise<void> =>
  writeWhole(path, bytes).catch(cannotWrite(path));

const cannotWrite =
  (path: string) =>
  (cause: unknown): never => {
    if (cause instanceof AppError) throw cause;
    const code = cause instanceof Error && "code" in cause ? String(cause.code) : String(cause);
    throw new AppError("bad_request", `${path} could not be written (${code}); choose another place.`, { path }, cause);
  };
