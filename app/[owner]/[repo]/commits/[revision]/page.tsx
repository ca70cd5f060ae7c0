import type { Metadata } from "next";
import { historyQuery } from "#lib/catalog/commits/schema.ts";
import { listCommits } from "#lib/catalog/commits/service.ts";
import { inspectionStates } from "#lib/catalog/inspections/service.ts";
import { currentActor } from "../../../../_page/actor.ts";
import { addressWith, named, type SearchParams } from "../../../../_page/address.ts";
import { shown } from "../../../../_page/shown.ts";
import { toBytes, toPlural } from "../../../../_page/units.ts";
import { Empty } from "../../../../_ui/empty.tsx";
import { Hash } from "../../../../_ui/hash.tsx";
import { Pager } from "../../../../_ui/pager.tsx";
import { RepoHead } from "../../_parts/head.tsx";
import { repoOf, type RepoParams } from "../../_parts/repo-of.ts";
import { unescaped } from "../../_parts/unescaped.ts";
import { When } from "../../../../_ui/when.tsx";

interface Props {
  readonly params: Promise<RepoParams & { readonly revision: string }>;
  readonly searchParams: SearchParams;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { owner, repo } = await params;
  return { title: `Versions of ${owner}/${repo}` };
}

const readings = {
  queued: "waits to be read",
  running: "is being read",
  succeeded: "every byte read",
  failed: "could not be read",
  cancelled: "not read",
} as const;

/** What was committed, newest first. */
export default async function VersionsPage({ params, searchParams }: Props) {
  const { owner, repo: name, revision: given } = await params;
  const revision = unescaped(given);
  const { cursor } = await searchParams;
  const actor = await currentActor();
  const repo = await repoOf(owner, name);
  const here = `/${repo.fullName}/commits/${encodeURIComponent(revision)}`;
  const page =
    repo.head &&
    (await shown(
      listCommits(
        actor,
        repo.nameParts,
        named(historyQuery, { revision, limit: "30", ...(typeof cursor === "string" && { cursor }) }),
      ),
    ));
  const states = page
    ? await inspectionStates(
        actor,
        repo.nameParts,
        page.items.map(({ id }) => id),
      )
    : null;
  return (
    <>
      <RepoHead repo={repo} current="versions" />
      {!page || page.items.length === 0 ? (
        <Empty title="Nothing was committed yet">
          Each upload ends with a commit, which never changes; they are listed here.
        </Empty>
      ) : (
        <ol className="divide-y divide-line border-y border-line">
          {page.items.map(({ id, title, message, author, createdAt, files, bytes }) => (
            <li key={id} data-row className="flex flex-wrap items-baseline justify-between gap-x-6 gap-y-1 py-3">
              <div className="min-w-0">
                <a href={`/${repo.fullName}/tree/${id}`} className="font-medium text-ink [overflow-wrap:anywhere]">
                  {title}
                </a>
                {message && <p className="max-w-[72ch] text-small whitespace-pre-line text-quiet">{message}</p>}
                <p className="text-small text-quiet">
                  {author ? <a href={`/${author}`}>{author}</a> : "the hub"} · <When at={createdAt} /> ·{" "}
                  {toPlural(files, "file")}, {toBytes(bytes)}
                  {states?.has(id) && (
                    <>
                      {" "}
                      ·{" "}
                      <span
                        title={states.get(id)!.problem ?? undefined}
                        className={states.get(id)!.state === "failed" ? "text-incompatible" : ""}
                      >
                        {readings[states.get(id)!.state]}
                      </span>
                    </>
                  )}
                </p>
              </div>
              <Hash sha256={id} what="commit id" />
            </li>
          ))}
        </ol>
      )}
      <Pager
        first={typeof cursor === "string" ? here : null}
        next={page?.next ? addressWith(here, {}, { cursor: page.next }) : null}
        what="versions"
      />
    </>
  );
}
