import { setTimeout as sleep } from "node:timers/promises";

/** Asks again and again until the answer is as wanted. The test's own time limit is what ends it otherwise. */
export async function until<T>(ask: () => Promise<T>, isWanted: (answer: T) => boolean): Promise<T> {
  for (;;) {
    const answer = await ask();
    if (isWanted(answer)) return answer;
    await sleep(20);
  }
}
