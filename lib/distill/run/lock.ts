import { mkdir, readdir, rename, rm } from "node:fs/promises";
import { dirname, join } from "node:path";
import { AppError } from "#lib/errors.ts";

/** A folder that one process works in. */
export interface Lock {
  release(): Promise<void>;
}

/**
 * A folder with one entry, named by the process id of whoever holds it. It arrives whole by one rename, and passes from the dead to the next by
 * another, so that of many exactly one gets it.
 *
 * @throws conflict where a process that lives has it
 */
export async function takeLock(path: string): Promise<Lock> {
  const own = String(process.pid);
  const release = async (): Promise<void> => {
    held.delete(path);
    await rm(path, { recursive: true, force: true });
  };
  const lock = (): Lock => {
    held.add(path);
    return { release };
  };
  const arriving = `${path}.${own}.tmp`;
  await mkdir(join(arriving, own), { recursive: true });
  if (await moved(arriving, path)) return lock();
  await rm(arriving, { recursive: true, force: true });
  const [holder = own] = await readdir(path).catch(() => []);
  const isLeft = holder === own ? !held.has(path) : !isAlive(holder); // our own number may be that of an earlier process
  if (isLeft && (await moved(join(path, holder), join(path, own)))) return lock();
  throw new AppError(
    "conflict",
    `${dirname(dirname(path))} is in use: process ${holder} distils a guide in it; wait for it, or give another folder.`,
    { holder },
  );
}

const held = new Set<string>();

const moved = (from: string, to: string): Promise<boolean> =>
  rename(from, to).then(
    () => true,
    () => false,
  );

function isAlive(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0);
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === "EPERM";
  }
}
