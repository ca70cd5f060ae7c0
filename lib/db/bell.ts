import { watch } from "./listen.ts";

/** Rings when something was told of what it is named after, or when its holder says so. */
export interface Bell {
  ring(): void;
  /** Resolves when it has rung since the last time, or after so many milliseconds. */
  rung(patience: number): Promise<void>;
  /** Ends the watch, and rings a last time. */
  close(): void;
}

/** @param name what `NOTIFY` tells: the id of a row, or what workers listen to */
export function createBell(name: string): Bell {
  let hasRung = false;
  let wake = (): void => {};
  const ring = (): void => {
    hasRung = true;
    wake();
  };
  const unwatch = watch(name, ring);
  return {
    ring,
    async rung(patience) {
      if (!hasRung) {
        const { promise, resolve } = Promise.withResolvers<void>();
        wake = resolve;
        const timer = setTimeout(resolve, patience);
        await promise;
        clearTimeout(timer);
      }
      hasRung = false;
    },
    close() {
      unwatch();
      ring();
    },
  };
}
