export interface Tab {
  readonly href: string;
  readonly label: string;
  readonly count?: number | null;
}

/** Pages of one thing, side by side. The address says which of them this is. */
export function Tabs({
  label,
  tabs,
  current,
}: {
  readonly label: string;
  readonly tabs: readonly Tab[];
  readonly current: string;
}) {
  return (
    <nav aria-label={label} className="overflow-x-auto border-b border-line">
      <ul className="flex gap-1">
        {tabs.map(({ href, label: name, count }) => (
          <li key={href}>
            <a
              href={href}
              aria-current={href === current ? "page" : undefined}
              className={`-mb-px block border-b-2 px-3 py-2 whitespace-nowrap no-underline ${href === current ? "border-accent font-medium text-ink" : "border-transparent text-quiet hover:text-ink"}`}
            >
              {name}
              {count != null && <span className="ml-1.5 text-small text-quiet">{count.toLocaleString("en")}</span>}
            </a>
          </li>
        ))}
      </ul>
    </nav>
  );
}
