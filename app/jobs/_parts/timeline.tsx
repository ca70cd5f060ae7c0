import type { JobTimeline } from "#lib/catalog/jobs/schema.ts";
import { toAge, toMoment } from "../../_page/units.ts";

const colours: Partial<Record<JobTimeline["events"][number]["kind"], string>> = {
  failed: "bg-incompatible",
  retried: "bg-limits",
  succeeded: "bg-verified",
  started: "bg-accent",
};

/** Events in the order in which they came, with the second of each. */
export function Timeline({ events }: { readonly events: JobTimeline["events"] }) {
  if (events.length === 0)
    return <p className="text-quiet">What happened is kept for 90 days, and this was earlier.</p>;
  return (
    <ol className="space-y-4 border-l-2 border-line pl-5">
      {events.map(({ kind, attempt, message, at }, index) => (
        <li key={index} className="relative">
          <span
            aria-hidden
            className={`absolute top-1.5 -left-[26px] size-2.5 rounded-full ${colours[kind] ?? "bg-edge"}`}
          />
          <p className="[overflow-wrap:anywhere]">{message}</p>
          <p className="text-small text-quiet">
            <time dateTime={at} title={toMoment(at)}>
              {at.slice(11, 19)} UTC, {toAge(at)}
            </time>
            {attempt > 0 && ` · attempt ${attempt}`}
          </p>
        </li>
      ))}
    </ol>
  );
}
