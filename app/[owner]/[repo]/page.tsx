import type { Metadata } from "next";
import { cache } from "react";
import { z } from "zod";
import { can } from "#lib/catalog/kinds.ts";
import { triggersOf } from "#lib/catalog/prompting/triggers.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import type { Actor } from "#lib/auth/actor.ts";
import type { InspectionView } from "#lib/catalog/inspections/schema.ts";
import { distillationIn } from "#lib/catalog/distillations/views.ts";
import { listEvaluators } from "#lib/catalog/evaluators/service.ts";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { listWorkers } from "#lib/catalog/jobs/service.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { listFits, listGuides } from "#lib/catalog/pairs/partners.ts";
import { picturesOf } from "#lib/catalog/sheets/service.ts";
import { env } from "#lib/env.ts";
import { pageQuery } from "#lib/page.ts";
import { secondsFor } from "#lib/queue/rates.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../../_page/address.ts";
import { sharedAs } from "../../_page/shared-as.ts";
import { ifThere } from "../../_page/shown.ts";
import { sumOf, toBoundedPlural, toBytes, toDuration, toPlural } from "../../_page/units.ts";
import { ButtonLink } from "../../_ui/button.tsx";
import { Empty } from "../../_ui/empty.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { Markdown } from "../../_ui/markdown.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Pager } from "../../_ui/pager.tsx";
import { Term } from "../../_ui/term.tsx";
import { GuideFacts } from "./_parts/guide-facts.tsx";
import { UseWith } from "./_parts/use-with.tsx";
import { HowToUse, toUsedModel, type UsedModel } from "./_parts/how-to-use.tsx";
import { RepoHead } from "./_parts/head.tsx";
import { Judging } from "./_parts/judging.tsx";
import { Origin } from "./_parts/origin.tsx";
import { isToMeasure, Partners } from "./_parts/partners.tsx";
import { Pictures } from "./_parts/pictures.tsx";
import { repoOf, type RepoParams, type ShownRepo } from "./_parts/repo-of.ts";
import { DownloadLines } from "./_parts/use-lines.tsx";
import { When } from "../../_ui/when.tsx";

interface Props {
  readonly params: Promise<RepoParams>;
  readonly searchParams: SearchParams;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { owner, repo } = await params;
  const { id, fullName, summary, visibility } = await repoOf(owner, repo);
  const first = (await picturesFor(id)).at(0);
  return {
    ...sharedAs(fullName, summary, first && { ...first, alt: first.prompt }),
    ...(visibility === "private" && { robots: { index: false } }),
  };
}

/** Where the list of what works with it goes on. */
const address = z.object({ after: pageQuery.shape.cursor });
const PARTNERS = 50;
const PICTURES = 6; // of 256 pixels: two rows of three

/** Asked once in a request. */
const picturesFor = cache(async (id: string) => (await picturesOf(await currentActor(), [id], PICTURES)).get(id) ?? []);

/** A model or a guide: how it draws, what works with it and how well that was measured, what it is, its card. */
export default async function RepoOverview({ params, searchParams }: Props) {
  const { owner, repo: name } = await params;
  const { after } = parseAddress(address, await searchParams);
  const actor = await currentActor();
  const repo = await repoOf(owner, name);
  const made = can(repo, "guides") ? await distillationIn(actor, repo.id) : null;
  if (!repo.head) return made ? <BeingMade repo={repo} id={made.id} /> : <EmptyRepo repo={repo} />;
  if (can(repo, "evaluates")) return <EvaluatorOverview repo={repo} />;
  const isGuide = can(repo, "guides");
  const [inspection, partners, drawn, workers, seconds] = await Promise.all([
    ifThere(getInspection(actor, repo.nameParts, "HEAD")),
    ifThere((isGuide ? listFits : listGuides)(actor, repo.nameParts, { limit: PARTNERS, cursor: after })),
    picturesFor(repo.id),
    listWorkers(actor),
    secondsFor("check"),
  ]);
  const items = partners?.items ?? [];
  const facts = inspection?.facts ?? null;
  const best = items.find(({ pair, measuredAt, stale }) => pair && measuredAt !== null && stale === null);
  const onItsBase =
    items.find(
      ({ repo: model, pair, measuredAt }) => pair && measuredAt !== null && model === facts?.detectedBase?.repo,
    ) ?? best;
  const strengthPair = isGuide && onItsBase?.pair ? await ifThere(getPair(actor, onItsBase.pair, false)) : null;
  const drawsWith = facts && (await modelOf(actor, repo, facts));
  const proven = items.find(({ verdict, stale }) => verdict === "verified" && stale === null)?.repo ?? null;
  const isMoving = (inspection !== null && isUnfinished(inspection)) || items.some(isUnfinished);
  return (
    <>
      {isMoving && <Refresh />}
      <RepoHead repo={repo} current="overview" />
      <div className="grid gap-x-10 gap-y-10 lg:grid-cols-[minmax(0,1fr)_320px] lg:grid-rows-[auto_1fr]">
        <div className="min-w-0 space-y-10">
          <Pictures pictures={drawn} isGuide={isGuide} />
          <section aria-labelledby="works">
            <h2 id="works" className="text-title">
              {isGuide ? "Works on" : "Guides that work here"}
            </h2>
            <p className="mb-2 text-quiet">
              {isGuide ? (
                <>
                  Every <Term word="fine-tune" /> of its <Term word="base" /> on this hub, best <Term word="evidence" />{" "}
                  first.
                </>
              ) : (
                <>
                  A <Term word="guide" /> replaces <Term word="cfg">CFG</Term>: one pass a step instead of two. Best{" "}
                  <Term word="evidence" /> first.
                </>
              )}
            </p>
            {workers.items.length === 0 && (
              <Notice kind="careful">
                No worker is online: what is asked for waits until one is. Browsing and downloading go on.
              </Notice>
            )}
            {items.length > 0 ? (
              <Partners partners={items} of={repo} seconds={seconds} />
            ) : partners?.next ? (
              <Empty title="None of the first is for you to see">Go on to those behind them.</Empty>
            ) : (
              <NoPartners repo={repo} inspection={inspection} />
            )}
            <Pager
              first={after === undefined ? null : `/${repo.fullName}`}
              next={partners?.next ? addressWith(`/${repo.fullName}`, {}, { after: partners.next }) : null}
              what={isGuide ? "models" : "guides"}
            />
            {items.some(isToMeasure) && (
              <p className="mt-2 text-small text-quiet">
                {seconds === null
                  ? "How long a measurement takes here is not known yet: none was made today."
                  : `A measurement takes about ${toDuration(seconds)} here: the median of the last ones.`}{" "}
                It draws 48 prompts in three modes.
              </p>
            )}
          </section>
          {isGuide && facts?.guide && (
            <GuideFacts guide={facts.guide} parameters={facts.parameters} pair={strengthPair} />
          )}
          {made && (
            <p>
              <a href={`/distillations/${made.id}`}>How it learned</a>, with its curves and what it drew meanwhile: it
              was distilled on this hub.
            </p>
          )}
          {facts && (
            <HowToUse repo={repo} facts={facts} model={drawsWith} partner={proven} prompt={drawn[0]?.prompt ?? null} />
          )}
          <UseWith repo={repo} />
        </div>
        <aside className="min-w-0 space-y-8 lg:row-span-2" aria-label="Facts">
          <section aria-labelledby="what-it-is">
            <h2 id="what-it-is" className="mb-2 text-title">
              What it is
            </h2>
            <Origin
              inspection={inspection}
              kind={repo.kind}
              triggers={facts?.lowRank ? triggersOf(repo.card, facts) : []}
              mayWrite={repo.mayWrite}
            />
          </section>
          <Download repo={repo} facts={facts} />
          {can(repo, "isBase") && facts?.distilling?.problem === null && <Distil base={repo.fullName} />}
          {can(repo, "isBase") && <Family actor={actor} base={repo.fullName} />}
        </aside>
        <CardText repo={repo} />
      </div>
    </>
  );
}

/** What judges has no partners: it says whom it judges here, what it is, its card. */
async function EvaluatorOverview({ repo }: { readonly repo: ShownRepo }) {
  const actor = await currentActor();
  const [inspection, installed] = await Promise.all([
    ifThere(getInspection(actor, repo.nameParts, "HEAD")),
    listEvaluators(actor),
  ]);
  return (
    <>
      {inspection !== null && isUnfinished(inspection) && <Refresh />}
      <RepoHead repo={repo} current="overview" />
      <div className="grid gap-x-10 gap-y-10 lg:grid-cols-[minmax(0,1fr)_320px] lg:grid-rows-[auto_1fr]">
        <Judging repo={repo} installed={installed.filter((one) => one.repo === repo.fullName)} />
        <aside className="min-w-0 space-y-8 lg:row-span-2" aria-label="Facts">
          <section aria-labelledby="what-it-is">
            <h2 id="what-it-is" className="mb-2 text-title">
              What it is
            </h2>
            <Origin inspection={inspection} kind={repo.kind} triggers={[]} mayWrite={repo.mayWrite} />
          </section>
          <Download repo={repo} facts={inspection?.facts ?? null} />
        </aside>
        <CardText repo={repo} />
      </div>
    </>
  );
}

/** The model that it is drawn with on one's own machine: itself, or what it was found to be made for. */
async function modelOf(
  actor: Actor,
  { fullName, kind }: ShownRepo,
  facts: NonNullable<InspectionView["facts"]>,
): Promise<UsedModel | null> {
  if (can({ kind }, "draws") && facts.kind !== "low-rank fine-tune") return toUsedModel(fullName, facts);
  const base = facts.detectedBase?.repo ?? null;
  const found = base && (await ifThere(getInspection(actor, toRepoName(base), "HEAD")))?.facts;
  return base && found ? toUsedModel(base, found) : null;
}

/** The file that a program asks for, or the folder, of which one file is of no use. */
function Download({ repo, facts }: { readonly repo: ShownRepo; readonly facts: InspectionView["facts"] }) {
  const { fullName, defaultBranch: revision, usage, head, visibility } = repo;
  const main = facts?.files.find(({ path }) => path === facts.mainFile) ?? null;
  const isFolder = main === null || facts?.kind === "diffusers folder";
  const folder = `/${fullName}/tree/${encodeURIComponent(revision)}`;
  return (
    <section aria-labelledby="download">
      <h2 id="download" className="mb-2 text-title">
        Download
      </h2>
      {isFolder ? (
        <ButtonLink look="primary" className="w-full" href={`${folder}#all`}>
          Download {usage.files === 1 ? "its file" : `all ${toPlural(usage.files, "file")}`}
        </ButtonLink>
      ) : (
        <ButtonLink
          look="primary"
          className="w-full [overflow-wrap:anywhere]"
          href={`/${fullName}/resolve/${encodeURIComponent(revision)}/${main.path.split("/").map(encodeURIComponent).join("/")}`}
          download
        >
          Download {main.path.split("/").at(-1)}
        </ButtonLink>
      )}
      <div className="my-3">
        <Facts
          facts={[
            ...(main
              ? [
                  [
                    isFolder ? "its network" : "file",
                    <a key="f" href={`${folder}/${main.path.split("/").map(encodeURIComponent).join("/")}`}>
                      {main.path}
                    </a>,
                  ] as const,
                  ["sha256", <Hash key="h" sha256={main.sha256} what={`sha256 of ${main.path}`} />] as const,
                ]
              : []),
            ["all files", <a key="a" href={folder}>{`${toPlural(usage.files, "file")}, ${toBytes(usage.bytes)}`}</a>],
            ["version", <When key="v" at={head!.createdAt} as="moment" />],
            ["commit", <Hash key="c" sha256={head!.id} what="commit id" />],
          ]}
        />
      </div>
      {main && !isFolder && (
        <DownloadLines
          hub={env().publicUrl}
          fullName={fullName}
          revision={revision}
          path={main.path}
          sha256={main.sha256}
          isPrivate={visibility === "private"}
        />
      )}
    </section>
  );
}

/** What a base is for. */
function Distil({ base }: { readonly base: string }) {
  return (
    <section aria-labelledby="distil">
      <h2 id="distil" className="mb-2 text-title">
        Make a guide of it
      </h2>
      <p className="mb-3 text-small text-quiet">
        The hub distils one from this base, which then works on its fine-tunes. What it costs is said before it begins.
      </p>
      <ButtonLink className="w-full" href={`/distillations/new?base=${base}`}>
        Distil a guide
      </ButtonLink>
      <p className="mt-2 text-small">
        <a href="/distillations">Guides that are made on this hub</a>
      </p>
    </section>
  );
}

/** What was made from a base, counted. */
async function Family({ actor, base }: { readonly actor: Actor; readonly base: string }) {
  const { facets } = await listRepos(actor, repoQuery.parse({ base, limit: "1", facets: "true" }));
  const count = (kind: string, what: string): string =>
    toBoundedPlural(sumOf(facets!.kind.filter(({ value }) => value === kind)), what);
  return (
    <section aria-labelledby="family">
      <h2 id="family" className="mb-2 text-title">
        Its family
      </h2>
      <ul className="space-y-1">
        <li>
          <a href={`/browse?base=${base}&kind=finetune`}>{count("finetune", "fine-tune")} made from it</a>
        </li>
        <li>
          <a href={`/browse?base=${base}&kind=guide`}>{count("guide", "guide")} made for it</a>
        </li>
        <li>
          <a href={`/matrix?base=${base}`}>All of them against each other</a>
        </li>
      </ul>
    </section>
  );
}

function NoPartners({ repo, inspection }: { readonly repo: ShownRepo; readonly inspection: InspectionView | null }) {
  if (inspection && isUnfinished(inspection))
    return <Empty title="A worker reads it first">Then what fits stands here, and is measured by itself.</Empty>;
  if (!inspection?.facts?.runs)
    return (
      <Empty title="Nothing can be measured on it">
        What it is, and why it does not run here, stands under “What it is”.
      </Empty>
    );
  if (can(repo, "guides"))
    return (
      <Empty title="No fine-tune of its base is here yet">
        Fine-tunes appear here as soon as they are uploaded, and are measured by themselves.
      </Empty>
    );
  return (
    <Empty title="No guide for its base is here yet" action={<ButtonLink href="/upload">Upload a guide</ButtonLink>}>
      Guides that were made for the same base appear here, and are measured by themselves.
    </Empty>
  );
}

function CardText({ repo }: { readonly repo: ShownRepo }) {
  const { card, cardFile, fullName, defaultBranch, mayWrite } = repo;
  const folder = (kind: "resolve" | "tree"): string => `/${fullName}/${kind}/${encodeURIComponent(defaultBranch)}/`;
  return (
    <section aria-labelledby="card" className="min-w-0 border-t border-line pt-6">
      <h2 id="card" className="mb-3 text-title">
        Card
      </h2>
      {card && cardFile && (card.text.trim() !== "" || card.warnings.length > 0) ? (
        <Markdown file={cardFile} places={{ files: folder("resolve"), pages: folder("tree") }} />
      ) : (
        <Empty
          title="Nobody has written a card yet"
          action={mayWrite && <ButtonLink href={`/upload?repo=${fullName}`}>Upload a README.md</ButtonLink>}
        >
          A README.md says what it draws, what it was made from, under which licence, and with which words.
        </Empty>
      )}
    </section>
  );
}

/** The guide is published here when it is done. */
function BeingMade({ repo, id }: { readonly repo: ShownRepo; readonly id: string }) {
  return (
    <>
      <RepoHead repo={repo} current="overview" />
      <Empty
        title="Its guide has not been made yet"
        action={<ButtonLink href={`/distillations/${id}`}>See how far it is</ButtonLink>}
      >
        The hub distils it from its base, and publishes it here when it is done.
      </Empty>
    </>
  );
}

function EmptyRepo({ repo }: { readonly repo: ShownRepo }) {
  return (
    <>
      <RepoHead repo={repo} current="overview" />
      <Empty
        title="There is nothing in it yet"
        action={
          repo.mayWrite && (
            <ButtonLink look="primary" href={`/upload?repo=${repo.fullName}`}>
              Upload its files
            </ButtonLink>
          )
        }
      >
        {repo.mayWrite
          ? "Drop a folder or a file; it is read before a byte is sent, and you see what it is."
          : "Its owner has not uploaded anything yet."}
      </Empty>
    </>
  );
}
