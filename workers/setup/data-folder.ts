import { randomBytes } from "node:crypto";
import { access, constants, link, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { AppError } from "#lib/errors.ts";
import { makeFolder } from "#lib/storage/durable.ts";

/** Makes the data folder and what must be in it before anything else. @throws internal with what to do when it cannot be written */
export async function prepareDataFolder(folder: string): Promise<void> {
  try {
    await makeFolder(join(folder, "log"), 0o700);
    await access(folder, constants.W_OK | constants.X_OK);
  } catch (cause) {
    const { code } = cause as NodeJS.ErrnoException;
    if (code === "ENOSPC")
      throw new AppError(
        "disk_full",
        `The disk of ${folder} is full; free some space, or point GUIDEPOST_DATA at another disk.`,
        { folder },
        cause,
      );
    throw new AppError(
      "internal",
      `${folder} cannot be written (${code}); give this user the right to, or point GUIDEPOST_DATA at another folder.`,
      { folder },
      cause,
    );
  }
}

/** The secret that signs sessions and links: the one kept in the folder, made the first time. Two starts at once get the same one. */
export async function keepSecret(folder: string): Promise<string> {
  const file = join(folder, "secret");
  const own = `${file}.${process.pid}`;
  await writeFile(own, randomBytes(32).toString("hex"), { mode: 0o600, flush: true });
  await link(own, file).catch((cause: NodeJS.ErrnoException) => {
    if (cause.code !== "EEXIST") throw cause; // made before
  });
  await rm(own);
  return (await readFile(file, "utf8")).trim();
}
