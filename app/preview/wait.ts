import type { Forecast } from "#lib/catalog/previews/schema.ts";
import { toDuration, toPlural } from "../_page/units.ts";

/** “about 2 s, nothing is waiting” */
export function sayWait({
  seconds,
  workers,
  ahead,
  running,
}: Pick<Forecast, "seconds" | "workers" | "ahead" | "running">): string {
  if (workers === 0) return "No worker is online; it waits until one is.";
  const before =
    ahead > 0
      ? `${toPlural(ahead, "job")} ${ahead === 1 ? "waits" : "wait"} before it`
      : running > 0
        ? `nothing waits before it, ${toPlural(running, "job")} ${running === 1 ? "is" : "are"} being done`
        : "nothing is waiting";
  return seconds === null ? `${before}; how long it takes is not known yet` : `about ${roughly(seconds)}, ${before}`;
}

/** Whole seconds: an estimate is no measurement. */
export const roughly = (seconds: number): string => (seconds < 100 ? `${Math.ceil(seconds)} s` : toDuration(seconds));
