import { toAge, toDay, toMoment } from "../_page/units.ts";

const forms = { age: toAge, day: toDay, moment: toMoment };

/** A point in time, for people and for programs; the exact moment, in UTC, is shown on a longer look. */
export function When({
  at,
  as = "age",
  className,
}: {
  readonly at: string;
  /** “3 minutes ago”, “25 November 2026”, or that with the time of day. */
  readonly as?: keyof typeof forms;
  readonly className?: string;
}) {
  return (
    <time dateTime={at} title={toMoment(at)} className={className}>
      {forms[as](at)}
    </time>
  );
}
