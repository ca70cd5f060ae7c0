import { setTimeout as sleep } from "node:timers/promises";
import { log } from "#lib/log.ts";

export interface Shown<T> {
  offer(one: T): void;
  /** Nothing is shown any more when this resolves. */
  stop(): Promise<void>;
}

/** Shows the newest of what is offered, never two at once, with a pause of so many milliseconds between; what came meanwhile is passed over. */
export function atMost<T>(pause: number, show: (newest: T) => Promise<void>): Shown<T> {
  let next: { readonly one: T } | null = null;
  let busy: Promise<void> | null = null;
  const stopped = new AbortController();
  const work = async (): Promise<void> => {
    while (next) {
      const { one } = next;
      next = null;
      await show(one).catch((cause: unknown) =>
        log().warn({ event: "progress.error", err: cause }, "progress could not be shown"),
      ); // the work itself goes on
      await sleep(pause, undefined, { signal: stopped.signal }).catch(() => {});
    }
    busy = null;
  };
  return {
    offer(one) {
      next = { one };
      busy ??= work();
    },
    async stop() {
      next = null;
      stopped.abort();
      await busy;
    },
  };
}
