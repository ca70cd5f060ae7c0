import { can, kinds } from "#lib/catalog/kinds.ts";
import type { PairItem } from "#lib/catalog/pairs/schema.ts";
import type { RepoItem } from "#lib/catalog/repos/schema.ts";
import type { CardContent, CardPicture } from "#lib/catalog/sheets/schema.ts";
import { toAge, toParameters, toPlural } from "../_page/units.ts";
import { Estimate } from "./estimate.tsx";
import { Picture } from "./picture.tsx";
import { standingOf, Verdict } from "./verdict.tsx";

/** A model or guide in a list: what the hub drew with it, what it is, what is known of it. */
function RepoCard({
  repo,
  content,
  eager,
}: {
  readonly repo: RepoItem;
  readonly content: CardContent | undefined;
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
      <Strip pictures={content?.pictures ?? []} eager={eager} />
      <div className="flex flex-1 flex-col gap-1 p-3">
        <h3 className="text-body [overflow-wrap:anywhere]">
          <a href={`/${owner}/${name}`} className="text-ink no-underline after:absolute after:inset-0">
            <span className="font-normal text-quiet">{owner}/</span>
            {name}
          </a>
        </h3>
        <p className="line-clamp-2 text-small text-quiet">{summary}</p>
        {content?.best && <Best pair={content.best} kind={kind} />}
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

/** The best that was measured of a model or guide, and with what. */
function Best({ pair, kind }: { readonly pair: PairItem; readonly kind: RepoItem["kind"] }) {
  const [preposition, { repo }] = can({ kind }, "guides")
    ? (["on", pair.finetune] as const)
    : (["with", pair.guide] as const);
  return (
    <p className="flex flex-wrap items-baseline gap-x-1.5 text-small">
      <Verdict standing={standingOf(pair)} stale={pair.stale} />
      <span>
        {preposition} {repo.split("/")[1]}
      </span>
      {pair.recovered && (
        <span>
          R <Estimate of={pair.recovered} />
        </span>
      )}
    </p>
  );
}

interface RepoCardsProps {
  readonly repos: readonly RepoItem[];
  readonly contents: ReadonlyMap<string, CardContent>;
  /** How many of them are seen at once. */
  readonly eager?: number;
  /** Where something stands beside them, three in a row need more room. */
  readonly isBeside?: boolean;
}

/** Several of them, in as many columns as there is room for. */
export function RepoCards({ repos, contents, eager = 0, isBeside = false }: RepoCardsProps) {
  return (
    <ul className={`grid gap-4 sm:grid-cols-2 ${isBeside ? "xl:grid-cols-3" : "lg:grid-cols-3"}`}>
      {repos.map((repo, index) => (
        <li key={repo.id} className="grid">
          <RepoCard repo={repo} content={contents.get(repo.id)} eager={index < eager} />
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
