import { hostname } from "node:os";

/** What belongs to this process, in a folder that several share. */
export const processName = `${hostname()}-${process.pid}`;

/**
 * Whether the process of such a name may still run: null where that cannot be known, for it is another machine's. Our own name
 * counts as ended: it was left by an earlier process of the same number.
 */
export function isRunning(name: string): boolean | null {
  const pid = name.startsWith(`${hostname()}-`) ? Number(name.slice(hostname().length + 1)) : NaN;
  if (!Number.isInteger(pid)) return null;
  if (pid === process.pid) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (cause) {
    return (cause as NodeJS.ErrnoException).code === "EPERM"; // somebody else's
  }
}
