import type { Metadata } from "next";
import { getInspection } from "#lib/catalog/inspections/service.ts";
import { listWorkers } from "#lib/catalog/jobs/service.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { listFits, listGuides } from "#lib/catalog/pairs/partners.ts";
import { picturesOf } from "#lib/catalog/sheets/service.ts";
import { env } from "#lib/env.ts";
import { estimate } from "#lib/queue/position.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { ifThere } from "../../_page/shown.ts";
import { toBytes, toDuration, toMoment, toParameters } from "../../_page/units.ts";
import { ButtonLink } from "../../_ui/button.tsx";
import { Empty } from "../../_ui/empty.tsx";
import { Facts } from "../../_ui/facts.tsx";
import { Hash } from "../../_ui/hash.tsx";
import { Markdown } from "../../_ui/markdown.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Term } from "../../_ui/term.tsx";
import { GuideFacts } from "./_parts/guide-facts.tsx";
import { RepoHead } from "./_parts/head.tsx";
import { Origin } from "./_parts/origin.tsx";
import { Partners } from "./_parts/partners.tsx";
import { Pictures } from "./_parts/pictures.tsx";
import { repoOf, type RepoParams, type ShownRepo } from "./_parts/repo-of.ts";
import { DownloadLines } from "./_parts/use-lines.tsx";

interface Props {
  readonly params: Promise<RepoParams>;
}

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const { owner, repo } = await params;
  const { fullName, summary, visibility } = await repoOf(owner, repo);
  return { title: fullName, description: summary, ...(visibility === "private" && { robots: { index: false } }) };
}

const PARTNERS = 50;
const PICTURES = 8;

/** A model or a guide: how it draws, what works with it and how well that was measured, what it is, its card. */
export default async function RepoOverview({ params }: Props) {
  const { owner, repo: name } = await params;
  const actor = await currentActor();
  const repo = await repoOf(owner, name);
  if (!repo.head) return <EmptyRepo repo={repo} />;
  const isGuide = repo.kind === "guide";
  const [inspection, partners, pictures, workers, seconds] = await Promise.all([
    ifThere(getInspection(actor, repo.nameParts, "HEAD")),
    ifThere((isGuide ? listFits : listGuides)(actor, repo.nameParts, { limit: PARTNERS })),
    picturesOf(actor, [repo.id], PICTURES),
    listWorkers(),
    estimate("check"),
  ]);
  const items = partners?.items ?? [];
  const facts = inspection?.facts ?? null;
  const best = items.find(({ verdict, pair, state }) => pair && state === "measured" && verdict === "verified");
  const bestPair = isGuide && best?.pair ? await ifThere(getPair(actor, best.pair, false)) : null;
  const isMoving = inspection?.state === "queued" || inspection?.state === "running" || items.some(({ state }) => state === "queued" || state === "running");
  return (
    <>
      {isMoving && <Refresh />}
      <RepoHead repo={repo} current="overview" />
      <div className="grid gap-x-10 gap-y-8 lg:grid-cols-[minmax(0,1fr)_320px]">
        <div className="min-w-0 space-y-10">
          <Pictures pictures={pictures.get(repo.id) ?? []} isGuide={isGuide} />
          <section aria-labelledby="works">
            <h2 id="works" className="text-title">
              {isGuide ? "Works on" : "Guides that work here"}
            </h2>
            <p className="mb-2 text-quiet">
              {isGuide ? (
                <>
                  Every <Term word="fine-tune" /> of its <Term word="base" /> on this hub, best <Term word="evidence" /> first.
                </>
              ) : (
                <>
                  A <Term word="guide" /> replaces <Term word="cfg">CFG</Term>: one pass a step instead of two. Best <Term word="evidence" /> first.
                </>
              )}
            </p>
            {workers.items.length === 0 && (
              <Notice kind="careful">No worker is online: what is asked for waits until one is. Browsing and downloading go on.</Notice>
            )}
            {items.length > 0 ? <Partners partners={items} of={repo} seconds={seconds} /> : <NoPartners repo={repo} runs={facts?.runs ?? null} />}
            {items.some(({ state }) => state === "not measured") && <p className="mt-2 text-small text-quiet">{seconds === null ? "How long a measurement takes here is not known yet: none was made." : `A measurement takes about ${toDuration(seconds)} here, as the last ones did; it draws 48 prompts in three modes.`}</p>}
          </section>
          {isGuide && facts?.guide && <GuideFacts guide={facts.guide} parameters={facts.parameters} pair={bestPair} />}
          <CardText repo={repo} />
        </div>
        <aside className="min-w-0 space-y-8" aria-label="Facts">
          <section aria-labelledby="what-it-is">
            <h2 id="what-it-is" className="mb-2 text-title">
              What it is
            </h2>
            <Origin inspection={inspection} kind={repo.kind} />
          </section>
          {facts?.mainFile && (
            <section aria-labelledby="download">
              <h2 id="download" className="mb-2 text-title">
                Download
              </h2>
              <ButtonLink look="primary" className="w-full" href={`/${repo.fullName}/resolve/${encodeURIComponent(repo.defaultBranch)}/${facts.mainFile}`}>
                Download {facts.mainFile.split("/").at(-1)}
              </ButtonLink>
              <div className="my-3">
                <Facts
                  facts={[
                    ["sha256", <Hash key="h" sha256={facts.files.find(({ path }) => path === facts.mainFile)?.sha256 ?? ""} />],
                    ["all files", `${repo.usage.files}, ${toBytes(repo.usage.bytes)}`],
                    ["version", <span key="v">{toMoment(repo.head.createdAt)}</span>],
                    ["commit", <Hash key="c" sha256={repo.head.id} what="commit id" />],
                  ]}
                />
              </div>
              <DownloadLines hub={env().publicUrl} fullName={repo.fullName} revision={repo.defaultBranch} path={facts.mainFile} isPrivate={repo.visibility === "private"} />
            </section>
          )}
          {repo.kind === "base" && (
            <section aria-labelledby="family">
              <h2 id="family" className="mb-2 text-title">
                Its family
              </h2>
              <ul className="space-y-1">
                <li>
                  <a href={`/browse?base=${repo.fullName}&kind=finetune`}>Fine-tunes made from it</a>
                </li>
                <li>
                  <a href={`/browse?base=${repo.fullName}&kind=guide`}>Guides made for it</a>
                </li>
                <li>
                  <a href={`/matrix?base=${repo.fullName}`}>All of them against each other</a>
                </li>
              </ul>
            </section>
          )}
          {repo.kind === "finetune" && facts && <p className="text-small text-quiet">{toParameters(facts.parameters)} parameters in {facts.tensors} tensors.</p>}
        </aside>
      </div>
    </>
  );
}

function NoPartners({ repo, runs }: { readonly repo: ShownRepo; readonly runs: boolean | null }) {
  if (runs === false) return <Empty title="Nothing can be measured on it">What it is, and why it does not run here, stands beside.</Empty>;
  if (repo.kind === "guide") return <Empty title="No fine-tune of its base is here yet">Fine-tunes appear here as soon as they are uploaded, and are measured by themselves.</Empty>;
  return <Empty title="No guide for its base is here yet" action={<ButtonLink href="/upload">Upload a guide</ButtonLink>}>Guides that were made for the same base appear here, and are measured by themselves.</Empty>;
}

function CardText({ repo }: { readonly repo: ShownRepo }) {
  const { card, fullName, defaultBranch, mayWrite } = repo;
  return (
    <section aria-labelledby="card" className="border-t border-line pt-6">
      <h2 id="card" className="mb-3 text-title">
        Card
      </h2>
      {card?.warnings.map((warning) => (
        <div key={warning} className="mb-3">
          <Notice kind="careful">{warning}</Notice>
        </div>
      ))}
      {card && card.text.trim() !== "" ? (
        <Markdown text={card.text} files={`/${fullName}/resolve/${encodeURIComponent(defaultBranch)}/`} pages={`/${fullName}/tree/${encodeURIComponent(defaultBranch)}/`} />
      ) : (
        <Empty title="Nobody has written a card yet" action={mayWrite && <ButtonLink href={`/upload?repo=${fullName}`}>Upload a README.md</ButtonLink>}>
          A README.md says what it draws, what it was made from, under which licence, and with which words.
        </Empty>
      )}
      {card?.isCut && <p className="mt-3 text-small text-quiet">The card goes on; all of it is in README.md.</p>}
    </section>
  );
}

function EmptyRepo({ repo }: { readonly repo: ShownRepo }) {
  return (
    <>
      <RepoHead repo={repo} current="overview" />
      <Empty title="There is nothing in it yet" action={repo.mayWrite && <ButtonLink look="primary" href={`/upload?repo=${repo.fullName}`}>Upload its files</ButtonLink>}>
        {repo.mayWrite ? "Drop a folder or a file; it is read before a byte is sent, and you see what it is." : "Its owner has not uploaded anything yet."}
      </Empty>
    </>
  );
}
