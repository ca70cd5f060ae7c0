import type { Progress } from "#lib/catalog/pairs/schema.ts";
import { log } from "#lib/log.ts";

const TELL_EVERY = 500; // milliseconds

/** Keeps the row's progress about as it is; one that cannot be written is passed over, for the next one says more. */
export function progressWriter(write: (progress: Progress) => Promise<unknown>): (progress: Progress) => void {
  let [last, isWriting] = [0, false];
  return (progress) => {
    if (isWriting || performance.now() - last < TELL_EVERY) return;
    [last, isWriting] = [performance.now(), true];
    write(progress)
      .catch((cause: unknown) =>
        log().warn({ event: "check.progress", err: cause }, "The progress of a measurement could not be written."),
      )
      .finally(() => (isWriting = false));
  };
}
