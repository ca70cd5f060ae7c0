import type { Metadata } from "next";
import type { z } from "zod";
import { can, kinds } from "#lib/catalog/kinds.ts";
import { nearestNames } from "#lib/catalog/repos/nearest-names.ts";
import { type Facets, repoQuery, sorts } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { cardsOf } from "#lib/catalog/sheets/service.ts";
import { AppError } from "#lib/errors.ts";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { sumOf, toBoundedCount, toBoundedPlural } from "../_page/units.ts";
import { Button, ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Pager } from "../_ui/pager.tsx";
import { RepoCards } from "../_ui/repo-card.tsx";
import { wordOf } from "../_ui/verdict.tsx";

const sortNames = { updated: "newest changes", downloads: "most downloads", name: "name", created: "newest" } as const;

const address = repoQuery.pick({
  q: true,
  kind: true,
  base: true,
  license: true,
  tag: true,
  owner: true,
  measured: true,
  size: true,
  sort: true,
  cursor: true,
});
type Chosen = z.output<typeof address>;

export async function generateMetadata({ searchParams }: { readonly searchParams: SearchParams }): Promise<Metadata> {
  const { kind, q } = parseAddress(address, await searchParams);
  return { title: q ? `“${q}”` : kind ? kinds[kind].plural : "Models and guides" };
}

/** Everything there is, by what it is and what was measured. The address says what is chosen. */
export default async function BrowsePage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const chosen = parseAddress(address, await searchParams);
  const list = (cursor: string | undefined) =>
    listRepos(actor, repoQuery.parse({ ...chosen, cursor, facets: "true", limit: "30" }));
  const { items, next, facets } = await shown(
    list(chosen.cursor).catch((cause: unknown) => (isOfNoPlace(cause) ? list(undefined) : Promise.reject(cause))),
  );
  const contents = await cardsOf(
    actor,
    items.map(({ id }) => id),
  );
  const nearest = items.length === 0 && chosen.q ? await nearestNames(actor, chosen.q) : [];
  const total = sumOf(facets!.kind.filter(({ value }) => !chosen.kind || value === chosen.kind));
  return (
    <>
      <h1 className="text-page">{chosen.kind ? kinds[chosen.kind].plural : "Models and guides"}</h1>
      <div className="mt-4 grid gap-x-8 gap-y-4 lg:grid-cols-[220px_minmax(0,1fr)]">
        <Filters facets={facets!} chosen={chosen} />
        <section aria-labelledby="results" className="min-w-0">
          <h2 id="results" className="sr-only">
            What there is
          </h2>
          <SearchForm chosen={chosen} />
          <Chips chosen={chosen} />
          {(chosen.base || (chosen.kind && can({ kind: chosen.kind }, "isBase"))) && (
            <p className="mt-4">
              <a href={addressWith("/matrix", {}, { base: chosen.base ?? null })}>
                {chosen.base
                  ? `All fine-tunes and guides of ${chosen.base} against each other`
                  : "Fine-tunes and guides of a base against each other"}
              </a>
            </p>
          )}
          <p id="found" role="status" className="mt-4 mb-3 text-quiet">
            {toBoundedPlural(total, "repo")}
            {contents.size > 0 && " · pictures drawn here, from one set of prompts and seeds"}
          </p>
          {items.length === 0 ? (
            <Nothing chosen={chosen} nearest={nearest} />
          ) : (
            <RepoCards repos={items} contents={contents} eager={6} isBeside />
          )}
          <Pager
            first={chosen.cursor ? linkTo(chosen, {}) : null}
            next={next && linkTo(chosen, { cursor: next })}
            what="repos"
          />
        </section>
      </div>
    </>
  );
}

/** A cursor that somebody typed, or of another order: the list then begins at its start. */
const isOfNoPlace = (cause: unknown): boolean => cause instanceof AppError && cause.detail["field"] === "cursor";

/** The cursor belongs to one list: whatever else changes begins at its start. */
const linkTo = (chosen: Chosen, change: Readonly<Record<string, string | null>>): string =>
  addressWith("/browse", fieldsOf(chosen), { cursor: null, ...change });

const fieldsOf = ({ sort, ...chosen }: Chosen): Record<string, string | undefined> => ({
  ...chosen,
  ...(sort !== "updated" && { sort }),
});

function SearchForm({ chosen }: { readonly chosen: Chosen }) {
  const { q, sort, cursor: _cursor, ...kept } = chosen;
  return (
    <form action="/browse" className="flex flex-wrap items-end gap-2">
      {Object.entries(kept).map(
        ([name, value]) => value && <input key={name} type="hidden" name={name} value={value} />,
      )}
      <div className="min-w-40 flex-1 max-sm:basis-full">
        <label htmlFor="q" className="sr-only">
          Words in the name, the summary or the tags
        </label>
        <input
          id="q"
          name="q"
          type="search"
          defaultValue={q}
          placeholder="words in the name, the summary or the tags"
          className="h-9 w-full rounded border border-edge bg-raised px-3"
        />
      </div>
      <div className="max-sm:flex-1">
        <label htmlFor="sort" className="sr-only">
          Sort by
        </label>
        <select
          id="sort"
          name="sort"
          defaultValue={sort}
          className="h-9 w-full rounded border border-edge bg-raised px-2"
        >
          {sorts.map((each) => (
            <option key={each} value={each}>
              {sortNames[each]}
            </option>
          ))}
        </select>
      </div>
      <Button type="submit">Search</Button>
    </form>
  );
}

const groups = [
  { facet: "kind", title: "Kind", nameOf: (value: string) => kinds[value as keyof typeof kinds].plural },
  { facet: "measured", title: "Measured", nameOf: (value: string) => wordOf(value as "verified") },
  { facet: "base", title: "Base", nameOf: (value: string) => value },
  { facet: "license", title: "Licence", nameOf: (value: string) => value },
  { facet: "size", title: "Size", nameOf: (value: string) => value },
] as const;

/** Counted as if nothing were chosen from the same group, so that a count says what a tap would list. Open from the start where there is room. */
function Filters({ facets, chosen }: { readonly facets: Facets; readonly chosen: Chosen }) {
  const lists = groups.map((group) => (
    <Group key={group.facet} {...group} values={facets[group.facet]} chosen={chosen} />
  ));
  return (
    <>
      <nav aria-label="Filters" className="hidden space-y-5 lg:block">
        {lists}
      </nav>
      <details className="rounded border border-line bg-raised px-3 py-2 lg:hidden">
        <summary className="font-medium">Filters</summary>
        <nav aria-label="Filters" className="space-y-5 py-3">
          {lists}
        </nav>
      </details>
    </>
  );
}

const SHOWN = 12;

function Group({
  facet,
  title,
  nameOf,
  values,
  chosen,
}: (typeof groups)[number] & { readonly values: Facets["kind"]; readonly chosen: Chosen }) {
  if (values.length === 0) return null;
  const links = values.map(({ value, ...counted }) => {
    const isChosen = chosen[facet] === value;
    return (
      <li key={value}>
        <a
          href={linkTo(chosen, { [facet]: isChosen ? null : value })}
          aria-current={isChosen ? "true" : undefined}
          className="-mx-1.5 flex items-baseline justify-between gap-2 rounded px-1.5 py-0.5 text-ink no-underline hover:bg-sunken max-lg:py-1.5 aria-[current]:bg-tint aria-[current]:font-medium"
        >
          <span className="min-w-0 truncate" title={nameOf(value)}>
            {nameOf(value)}
          </span>
          <span className="text-small text-quiet">{toBoundedCount(counted)}</span>
        </a>
      </li>
    );
  });
  return (
    <section aria-label={title}>
      <h2 className="text-small font-medium text-quiet">{title}</h2>
      <ul className="mt-1">{links.slice(0, SHOWN)}</ul>
      {links.length > SHOWN && (
        <details>
          <summary className="py-0.5 text-small text-quiet">{links.length - SHOWN} more</summary>
          <ul>{links.slice(SHOWN)}</ul>
        </details>
      )}
    </section>
  );
}

/** What is chosen, each with a way to let it go. */
function Chips({ chosen }: { readonly chosen: Chosen }) {
  const { sort: _sort, cursor: _cursor, ...filters } = chosen;
  const all = Object.entries(filters).filter((entry): entry is [string, string] => Boolean(entry[1]));
  if (all.length === 0) return null;
  const nameOf = (name: string, value: string): string =>
    groups.find(({ facet }) => facet === name)?.nameOf(value) ?? (name === "q" ? `“${value}”` : `${name}: ${value}`);
  return (
    <ul aria-label="Chosen" className="mt-3 flex flex-wrap items-center gap-2 text-small">
      {all.map(([name, value]) => (
        <li key={name} className="max-w-full">
          <a
            href={linkTo(chosen, { [name]: null })}
            aria-label={`Without ${nameOf(name, value)}`}
            className="inline-flex max-w-full gap-1.5 rounded-full border border-edge bg-raised px-2.5 py-0.5 text-ink no-underline hover:border-accent"
          >
            <span className="truncate">{nameOf(name, value)}</span>
            <span aria-hidden>✕</span>
          </a>
        </li>
      ))}
      {all.length > 1 && (
        <li>
          <a href="/browse">Clear all</a>
        </li>
      )}
    </ul>
  );
}

function Nothing({
  chosen: { sort: _sort, ...filters },
  nearest,
}: {
  readonly chosen: Chosen;
  readonly nearest: readonly string[];
}) {
  if (!Object.values(filters).some(Boolean))
    return (
      <Empty title="This hub is empty" action={<ButtonLink href="/upload">Upload a base</ButtonLink>}>
        Bases come first, then guides for them and fine-tunes made from them.
      </Empty>
    );
  if (!filters.q)
    return (
      <Empty title="Nothing fits all of that" action={<ButtonLink href="/browse">Clear all filters</ButtonLink>}>
        Take a filter away.
      </Empty>
    );
  return (
    <Empty
      title={`Nothing here answers to “${filters.q}”`}
      action={
        <>
          <ButtonLink href="/upload">Drop your model’s file</ButtonLink>
          <ButtonLink href="/browse">See everything</ButtonLink>
        </>
      }
    >
      {nearest.length > 0 && <Nearest names={nearest} />}
      <p className="mt-2">
        Your file itself says which base it was made from, and so which guides fit: drop it on the upload page, where it
        is recognised in your browser before a byte is sent. Or search by its SHA-256.
      </p>
    </Empty>
  );
}

function Nearest({ names }: { readonly names: readonly string[] }) {
  return (
    <p>
      Did you mean{" "}
      {names.map((name, i) => (
        <span key={name}>
          {i > 0 && (i === names.length - 1 ? " or " : ", ")}
          <a href={`/${name}`} className="[overflow-wrap:anywhere]">
            {name}
          </a>
        </span>
      ))}
      ?
    </p>
  );
}
