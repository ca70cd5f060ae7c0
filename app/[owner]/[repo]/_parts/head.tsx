import { can, kinds } from "#lib/catalog/kinds.ts";
import { Copy } from "../../../_islands/copy.tsx";
import { toPlural } from "../../../_page/units.ts";
import { ButtonLink } from "../../../_ui/button.tsx";
import { Notice } from "../../../_ui/notice.tsx";
import { Tabs } from "../../../_ui/tabs.tsx";
import type { ShownRepo } from "./repo-of.ts";

const TAGS = 12;

/** On every page of a repo: what it is, and its other pages. */
export function RepoHead({
  repo,
  current,
}: {
  readonly repo: ShownRepo;
  readonly current: "overview" | "files" | "versions" | "settings";
}) {
  const {
    owner,
    name,
    fullName,
    kind,
    visibility,
    license,
    tags,
    summary,
    usage,
    defaultBranch,
    mayWrite,
    head,
    versions,
    facts,
  } = repo;
  const path = `/${fullName}`;
  const branch = encodeURIComponent(defaultBranch);
  const pages = {
    overview: path,
    files: `${path}/tree/${branch}`,
    versions: `${path}/commits/${branch}`,
    settings: `${path}/settings`,
  };
  const tabs = [
    { href: pages.overview, label: "Overview" },
    { href: pages.files, label: "Files", count: usage.files },
    { href: pages.versions, label: "Versions", count: versions },
    ...(mayWrite ? [{ href: pages.settings, label: "Settings" }] : []),
  ];
  return (
    <header className="mb-6">
      <div className="flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
        <h1 className="flex min-w-0 flex-wrap items-center gap-x-2 text-page">
          <span className="[overflow-wrap:anywhere]">
            <a href={`/${owner}`} className="font-normal text-quiet no-underline hover:underline">
              {owner}
            </a>
            <span className="font-normal text-quiet">/</span>
            {name}
          </span>
          <Copy text={fullName} label="Copy the name" />
        </h1>
        {head && (
          <div className="flex gap-2">
            {facts?.runs && !can({ kind }, "evaluates") && (
              <ButtonLink
                look="primary"
                href={`/preview?${can({ kind }, "guides") ? "guide" : "finetune"}=${fullName}`}
              >
                Preview
              </ButtonLink>
            )}
            <ButtonLink href={`${pages.files}#all`}>Download</ButtonLink>
          </div>
        )}
      </div>
      {summary !== "" && current === "overview" && (
        <p className="mt-2 max-w-[80ch] [overflow-wrap:anywhere]">{summary}</p>
      )}
      <p className="mt-2 flex flex-wrap items-center gap-x-3 gap-y-1 text-small text-quiet">
        <a
          href={`/browse?kind=${kind}`}
          className="rounded border border-line px-1.5 text-ink no-underline hover:border-accent"
        >
          {kinds[kind].name}
        </a>
        {visibility === "private" && <span className="rounded border border-limits px-1.5 text-limits">private</span>}
        {license ? (
          <a href={`/browse?license=${encodeURIComponent(license)}`} className="max-w-64 truncate">
            {license}
          </a>
        ) : (
          <span>no licence is named</span>
        )}
        <span>{toPlural(usage.downloadsLastMonth, "download")} in the last 30 days</span>
        {tags.slice(0, TAGS).map((tag) => (
          <a key={tag} href={`/browse?tag=${encodeURIComponent(tag)}`} className="max-w-48 truncate">
            #{tag}
          </a>
        ))}
        {tags.length > TAGS && <span title={tags.slice(TAGS).join(", ")}>and {tags.length - TAGS} more tags</span>}
      </p>
      {current !== "overview" && facts?.whyNot && (
        <p className="mt-3 max-w-[80ch] [overflow-wrap:anywhere] text-incompatible">No preview: {facts.whyNot}</p>
      )}
      {owner === "guidepost" && current === "overview" && (
        <div className="mt-4 max-w-fit">
          <Notice>
            A small practice model that came with Guidepost:{" "}
            {can({ kind }, "guides")
              ? "it guides models that draw"
              : can({ kind }, "draws")
                ? "it draws"
                : "it reads pictures of"}{" "}
            one or two simple things at 128 × 128 pixels.
          </Notice>
        </div>
      )}
      <div className="mt-4">
        <Tabs label="Pages of this repo" tabs={tabs} current={pages[current]} />
      </div>
    </header>
  );
}
