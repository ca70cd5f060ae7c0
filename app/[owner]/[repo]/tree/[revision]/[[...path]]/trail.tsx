import type { ShownRepo } from "../../../_parts/repo-of.ts";

export interface Place {
  readonly repo: ShownRepo;
  readonly revision: string;
  /** “unet/config.json”; the top is empty. */
  readonly path: string;
}

export const addressOf = ({ repo, revision, path }: Place, kind: "tree" | "resolve" = "tree"): string =>
  [
    `/${repo.fullName}/${kind}/${encodeURIComponent(revision)}`,
    ...path.split("/").filter(Boolean).map(encodeURIComponent),
  ].join("/");

/** Where one is: the revision, with others to choose from, and the folders above. */
export function Trail({ repo, revision, path }: Place) {
  const names = path.split("/").filter(Boolean);
  return (
    <div className="mb-4 flex flex-wrap items-center gap-x-4 gap-y-2">
      <details className="relative" name="revisions">
        <summary className="max-w-64 truncate rounded border border-edge bg-raised px-2.5 py-1">
          <code>{/^[0-9a-f]{40}$/.test(revision) ? revision.slice(0, 12) : revision}</code>
        </summary>
        <ul className="absolute z-10 mt-1 max-h-72 min-w-48 overflow-y-auto rounded border border-line bg-raised p-2">
          {repo.refs.map(({ name, kind }) => (
            <li key={`${kind} ${name}`}>
              <a
                href={addressOf({ repo, revision: name, path: "" })}
                className="block truncate rounded px-2 py-1 text-ink no-underline hover:bg-sunken"
              >
                {name} <span className="text-small text-quiet">{kind}</span>
              </a>
            </li>
          ))}
          <li className="mt-1 border-t border-line pt-1">
            <a href={`/${repo.fullName}/commits/${encodeURIComponent(revision)}`} className="block px-2 py-1">
              all versions
            </a>
          </li>
        </ul>
      </details>
      <nav aria-label="Folders" className="min-w-0 [overflow-wrap:anywhere]">
        <a href={addressOf({ repo, revision, path: "" })}>{repo.name}</a>
        {names.map((name, index) => (
          <span key={index}>
            {" / "}
            {index === names.length - 1 ? (
              <span aria-current="page">{name}</span>
            ) : (
              <a href={addressOf({ repo, revision, path: names.slice(0, index + 1).join("/") })}>{name}</a>
            )}
          </span>
        ))}
      </nav>
    </div>
  );
}
