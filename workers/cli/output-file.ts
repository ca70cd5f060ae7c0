import { access, constants, rename, rm, stat, writeFile } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { AppError } from "#lib/errors.ts";

/** Finds out before minutes of work whether its result can be written. */
export async function requireWritable(path: string): Promise<void> {
  const folder = dirname(resolve(path));
  const facts = await stat(path).catch(() => null);
  if (facts?.isDirectory()) throw new AppError("bad_request", `${path} is a folder; name a file to write.`, { path });
  await access(folder, constants.W_OK).catch((cause: unknown) => {
    throw new AppError(
      "bad_request",
      `${path} cannot be written: the folder ${folder} is missing or read-only; make it or choose another.`,
      { path },
      cause,
    );
  });
}

/** Writes beside the target and renames, so that nobody ever sees half a file. */
export async function writeWhole(path: string, bytes: Uint8Array): Promise<void> {
  const temporary = join(dirname(resolve(path)), `.${basename(path)}.${process.pid}.tmp`);
  try {
    await writeFile(temporary, bytes);
    await rename(temporary, path);
  } catch (cause) {
    await rm(temporary, { force: true });
    throw new AppError(
      "bad_request",
      `${path} could not be written (${(cause as NodeJS.ErrnoException).code}); choose another place.`,
      { path },
      cause,
    );
  }
}
