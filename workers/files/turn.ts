import { mkdir, readdir, rename, rm, rmdir, stat, unlink, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { isRunning, processName } from "./process-name.ts";

const SILENT_MS = 10 * 60_000; // no work of ours goes that long without writing a byte
const LOOK_AGAIN_MS = 100;

/**
 * Waits until this process may do what only one at a time should, of all that share a disk; null when another has done it
 * meanwhile. The turn is a folder with one file in it, to work in, named by its holder:
 *
 *   <turn>/host-1234
 *
 * The folder arrives whole by one rename, and passes from a holder that died by another, so that of many exactly one gets it.
 *
 * @returns the path of the file
 */
export async function takeTurn(turn: string, isDone: () => Promise<boolean>): Promise<string | null> {
  const mine = join(turn, processName);
  for (; ; await sleep(LOOK_AGAIN_MS)) {
    if (await isDone()) return null;
    if (!(await arrive(turn)) && !(await inherit(turn))) continue;
    if (!(await isDone())) return mine;
    await endTurn(turn); // done between our look and our turn
    return null;
  }
}

/** Passes it on; the file goes, unless it has been moved away. */
export async function endTurn(turn: string): Promise<void> {
  await unlink(join(turn, processName)).catch(() => {});
  await rmdir(turn).catch(() => {}); // the next one is there already
}

/** Ends the turn of a process that died in it. */
export async function endDeadTurn(turn: string): Promise<void> {
  if (await inherit(turn)) await endTurn(turn);
}

async function arrive(turn: string): Promise<boolean> {
  const own = `${turn}.${processName}`;
  await mkdir(own, { recursive: true });
  await writeFile(join(own, processName), "");
  const arrived = await moved(own, turn);
  if (!arrived) await rm(own, { recursive: true, force: true });
  return arrived;
}

async function inherit(turn: string): Promise<boolean> {
  const [holder] = await readdir(turn).catch(() => []);
  return (
    holder !== undefined &&
    (await isDead(join(turn, holder), holder)) &&
    moved(join(turn, holder), join(turn, processName))
  );
}

async function isDead(path: string, holder: string): Promise<boolean> {
  if (isRunning(holder) === false) return true;
  const facts = await stat(path).catch(() => null); // it has ended its turn
  return facts !== null && Date.now() - facts.mtimeMs > SILENT_MS;
}

async function moved(from: string, to: string): Promise<boolean> {
  return rename(from, to).then(
    () => true,
    () => false,
  );
}
