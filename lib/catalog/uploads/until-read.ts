import { setTimeout as sleep } from "node:timers/promises";
import { countHashing } from "./repository.ts";

const PATIENCE_MS = 5_000; // a worker reads 100 MB or so meanwhile; who has more comes back
const FIRST_PAUSE_MS = 100;
const MAX_PAUSE_MS = 1_000;
const MOST_WAITING = 50; // each asks the database once a second

let waiting = 0;

/**
 * Waits until none of these uploads is being read any more; not for long, and not where many wait already. Whoever takes them then is
 * told which one is not ready, and when to come back.
 */
export async function untilRead(ids: readonly string[]): Promise<void> {
  if (ids.length === 0 || waiting >= MOST_WAITING) return;
  waiting++;
  try {
    const end = performance.now() + PATIENCE_MS;
    for (let pause = FIRST_PAUSE_MS; (await countHashing(ids)) > 0; pause = Math.min(MAX_PAUSE_MS, 2 * pause)) {
      if (performance.now() + pause > end) return;
      await sleep(pause);
    }
  } finally {
    waiting--;
  }
}
