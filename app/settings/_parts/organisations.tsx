import type { Me } from "#lib/catalog/namespaces/me.ts";

/** What a person belongs to, and as what. */
export function Organisations({ organisations }: { readonly organisations: Me["organisations"] }) {
  if (organisations.length === 0) return <p className="mt-3 text-quiet">You belong to none.</p>;
  return (
    <ul className="mt-3">
      {organisations.map(({ name, displayName, role }) => (
        <li
          key={name}
          data-row
          className="flex flex-wrap items-baseline justify-between gap-x-4 border-b border-line py-2"
        >
          <span className="min-w-0 [overflow-wrap:anywhere]">
            <a href={`/${name}`}>{name}</a>
            {displayName && <span className="text-quiet"> {displayName}</span>}
          </span>
          <span className="text-small text-quiet">
            you are {role} ·{" "}
            <a href={`/settings/organisations/${name}`} aria-label={`Members of ${name}`}>
              members
            </a>
          </span>
        </li>
      ))}
    </ul>
  );
}
