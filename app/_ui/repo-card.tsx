import { kinds } from "#lib/catalog/kinds.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import { toAge, toParameters, toPlural } from "../_page/units.ts";
import { Picture } from "./picture.tsx";

interface CardPicture {
  readonly url: string;
  readonly width: number;
  readonly height: number;
  readonly prompt: string;
}

/** A model or guide in a list: what the hub drew with it, what it is, what is known of it. */
function RepoCard({
  repo,
  pictures,
  eager,
}: {
  readonly repo: RepoItem;
  readonly pictures: readonly CardPicture[];
  readonly eager: boolean;
}) {
  const { owner, name, kind, summary, base, license, downloads, updatedAt, facts, visibility } = repo;
  const notes = [
    facts?.parameters ? toParameters(facts.parameters) : null,
    base && `for ${base.split("/")[1]}`,
    license,
    toPlural(downloads, "download"),
    toAge(updatedAt),
  ].filter(Boolean);
  return (
    <article
      data-row
      className="relative flex min-w-0 flex-col overflow-hidden rounded border border-line bg-raised focus-within:border-accent hover:border-accent"
    >
      <Strip pictures={pictures} eager={eager} />
      <div className="flex flex-1 flex-col gap-1 p-3">
        <h3 className="text-body [overflow-wrap:anywhere]">
          <a href={`/${owner}/${name}`} className="text-ink no-underline after:absolute after:inset-0">
            <span className="font-normal text-quiet">{owner}/</span>
            {name}
          </a>
        </h3>
        <p className="line-clamp-2 text-small text-quiet">{summary}</p>
        <p className="mt-auto pt-1 text-small text-quiet">
          <span className="mr-2 rounded border border-line px-1.5 text-ink">{kinds[kind].name}</span>
          {visibility === "private" && (
            <span className="mr-2 rounded border border-limits px-1.5 text-limits">private</span>
          )}
          {facts && !facts.runs && (
            <span
              className="mr-2 rounded border border-incompatible px-1.5 text-incompatible"
              title={facts.whyNot ?? ""}
            >
              does not run here
            </span>
          )}
          {notes.join(" · ")}
        </p>
      </div>
    </article>
  );
}

interface RepoCardsProps {
  readonly repos: readonly RepoItem[];
  readonly pictures: ReadonlyMap<string, readonly CardPicture[]>;
  /** How many of them are seen at once. */
  readonly eager?: number;
  /** Where something stands beside them, three in a row need more room. */
  readonly isBeside?: boolean;
}

/** Several of them, in as many columns as there is room for. */
export function RepoCards({ repos, pictures, eager = 0, isBeside = false }: RepoCardsProps) {
  return (
    <ul className={`grid gap-4 sm:grid-cols-2 ${isBeside ? "xl:grid-cols-3" : "lg:grid-cols-3"}`}>
      {repos.map((repo, index) => (
        <li key={repo.id} className="grid">
          <RepoCard repo={repo} pictures={pictures.get(repo.id) ?? []} eager={index < eager} />
        </li>
      ))}
    </ul>
  );
}

const SHOWN = 4;

/** The same prompts and seeds on every card, so that models can be compared. */
function Strip({ pictures, eager }: { readonly pictures: readonly CardPicture[]; readonly eager: boolean }) {
  if (pictures.length === 0) {
    return (
      <div className="grid aspect-[4/1] place-items-center bg-sunken text-small text-quiet">
        No pictures yet: nothing was measured
      </div>
    );
  }
  return (
    <div className="grid grid-cols-4 bg-sunken">
      {pictures.slice(0, SHOWN).map(({ url, width, height, prompt }) => (
        <Picture
          key={url}
          url={url}
          width={width}
          height={height}
          alt={prompt}
          eager={eager}
          className="aspect-square! w-full! object-cover"
        />
      ))}
    </div>
  );
}
