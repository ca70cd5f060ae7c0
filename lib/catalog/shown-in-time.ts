import { setTimeout as sleep } from "node:timers/promises";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";

/** What a page says instead of something that is not there yet. */
export interface NotRead {
  readonly isRead: false;
  readonly why: string;
}

const PATIENCE_MS = 200; // what is at hand, and a store that is well, have answered by then

/**
 * What has been read, for a page, which waits for nothing: it comes in time, or later and is then there for whoever looks again. The
 * reading goes on in either case, and never fails. `coming` says that it is on its way; `event` names in the log what nobody foresaw.
 */
export function shownInTime<Read>(
  reading: Promise<Read>,
  coming: string,
  event: string,
): Promise<(Read & { readonly isRead: true }) | NotRead> {
  const shown = reading.then(
    (read) => ({ ...read, isRead: true as const }),
    (cause: unknown): NotRead => {
      if (!(cause instanceof AppError)) log().error({ event, err: cause }, "a text was not read");
      return { isRead: false, why: cause instanceof AppError ? cause.message : coming };
    },
  );
  return Promise.race([shown, sleep(PATIENCE_MS, { isRead: false, why: coming } as const, { ref: false })]);
}
