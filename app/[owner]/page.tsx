import type { Metadata } from "next";
import { kindNames, kinds } from "#lib/catalog/kinds.ts";
import { getNamespace } from "#lib/catalog/namespaces/service.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { cardsOf } from "#lib/catalog/sheets/service.ts";
import { currentActor } from "../_page/actor.ts";
import { shown } from "../_page/shown.ts";
import { sumOf, toBoundedCount, toBoundedPlural } from "../_page/units.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Notice } from "../_ui/notice.tsx";
import { RepoCards } from "../_ui/repo-card.tsx";
import { When } from "../_ui/when.tsx";

interface Props {
  readonly params: Promise<{ readonly owner: string }>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  return { title: decodeURIComponent((await params).owner) };
}

const SHOWN = 12;

/** A person or an organisation, and what they have here. */
export default async function NamespacePage({ params }: Props) {
  const actor = await currentActor();
  const { name, kind, displayName, createdAt, role, members } = await shown(getNamespace(actor, (await params).owner));
  const list = (fields: Readonly<Record<string, string>>) =>
    listRepos(actor, repoQuery.parse({ owner: name, ...fields }));
  const [{ facets }, ...lists] = await Promise.all([
    list({ limit: "1", facets: "true" }),
    ...kindNames.map(async (of) => ({
      of,
      title: kinds[of].plural,
      ...(await list({ kind: of, limit: String(SHOWN) })),
    })),
  ]);
  const countOf = (kind: string): string => toBoundedCount(sumOf(facets!.kind.filter(({ value }) => value === kind)));
  const contents = await cardsOf(
    actor,
    lists.flatMap(({ items }) => items.map(({ id }) => id)),
  );
  const filled = lists.filter(({ items }) => items.length > 0);
  return (
    <>
      <h1 className="text-page [overflow-wrap:anywhere]">{displayName ?? name}</h1>
      <p className="mt-1 text-quiet">
        <code>{name}</code> · {kind === "user" ? "a person" : "an organisation"} · here since{" "}
        <When at={createdAt} as="day" /> · {toBoundedPlural(sumOf(facets!.kind), "repo")}
        {role !== null && kind === "organisation" && ` · you are ${role === "owner" ? "its owner" : `a ${role}`}`}
      </p>
      {actor.kind === "person" && actor.isOperator && (
        <p className="mt-1 text-small">
          <a href={`/settings/quotas/${name}`}>What is used of the limits</a>
        </p>
      )}
      {name === "guidepost" && (
        <div className="mt-4 max-w-[72ch]">
          <Notice>
            These came with Guidepost: small practice models that draw one or two simple things at 128 × 128 pixels.
            They are here to try everything with, not to make art.
          </Notice>
        </div>
      )}
      {members && (
        <p className="mt-3">
          Members:{" "}
          {members.map(({ username, role: of }, index) => (
            <span key={username}>
              {index > 0 && ", "}
              <a href={`/${username}`}>{username}</a> <span className="text-small text-quiet">({of})</span>
            </span>
          ))}
        </p>
      )}
      {filled.length === 0 && (
        <div className="mt-8">
          <Empty
            title={role === null ? "Nothing here that you may see" : "You have nothing here yet"}
            action={
              role !== null && (
                <ButtonLink href="/upload" look="primary">
                  Upload a model or a guide
                </ButtonLink>
              )
            }
          >
            {role === null
              ? "What is uploaded under this name appears here."
              : "What you upload appears here; private or public is yours to say."}
          </Empty>
        </div>
      )}
      {filled.map(({ of, title, items, next }) => (
        <section key={of} aria-labelledby={of} className="mt-10">
          <div className="mb-3 flex flex-wrap items-baseline justify-between gap-x-4">
            <h2 id={of} className="text-title">
              {title} <span className="font-normal text-quiet">{countOf(of)}</span>
            </h2>
            {next !== null && (
              <a href={`/browse?owner=${name}&kind=${of}`}>
                All {countOf(of)} {title.toLowerCase()}
              </a>
            )}
          </div>
          <RepoCards repos={items} contents={contents} />
        </section>
      ))}
    </>
  );
}
