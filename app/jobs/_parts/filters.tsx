import { jobKind, type JobItem } from "#lib/catalog/jobs/schema.ts";
import { kindWords } from "./words.ts";

interface FiltersProps {
  readonly kind: JobItem["kind"] | undefined;
  readonly mine: boolean;
  /** Only who is signed in has their own. */
  readonly hasOwn: boolean;
  readonly to: (change: Readonly<Record<string, string | null>>) => string;
}

/** Which kind of work, and whose. */
export function Filters({ kind, mine, hasOwn, to }: FiltersProps) {
  return (
    <nav
      aria-label="By kind and person"
      className="flex flex-wrap justify-between gap-x-6 gap-y-2 border-b border-edge py-2 text-small"
    >
      <span className="flex flex-wrap gap-1.5">
        <Choice href={to({ kind: null })} isChosen={kind === undefined}>
          every kind
        </Choice>
        {jobKind.options.map((one) => (
          <Choice key={one} href={to({ kind: one })} isChosen={kind === one}>
            {kindWords[one]}
          </Choice>
        ))}
      </span>
      {hasOwn ? (
        <Choice href={to({ mine: mine ? null : "true" })} isChosen={mine}>
          only mine
        </Choice>
      ) : (
        <span className="py-0.5 text-quiet">
          Of public repos. <a href={`/sign-in?next=${encodeURIComponent(to({}))}`}>Sign in</a> to see your own.
        </span>
      )}
    </nav>
  );
}

function Choice({
  href,
  isChosen,
  children,
}: {
  readonly href: string;
  readonly isChosen: boolean;
  readonly children: string;
}) {
  return (
    <a
      href={href}
      aria-current={isChosen ? "true" : undefined}
      className="rounded border border-line bg-raised px-2 py-0.5 whitespace-nowrap text-quiet no-underline hover:border-accent hover:text-accent aria-[current]:border-accent aria-[current]:font-medium aria-[current]:text-accent"
    >
      {children}
    </a>
  );
}
