import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { cache } from "react";
import { z } from "zod";
import { getTally } from "#lib/catalog/comparisons/service.ts";
import { getJobTimeline } from "#lib/catalog/jobs/service.ts";
import { getEnvelope } from "#lib/catalog/pairs/study-service.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { ownersAndLicencesOf } from "#lib/catalog/reports/service.ts";
import { getSheet } from "#lib/catalog/sheets/service.ts";
import { env } from "#lib/env.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { idOf } from "../../_page/id-of.ts";
import { parseAddress, type SearchParams } from "../../_page/address.ts";
import { ifThere, shown } from "../../_page/shown.ts";
import { sharedAs } from "../../_page/shared-as.ts";
import { Estimate } from "../../_ui/estimate.tsx";
import { Problems } from "../../_ui/field.tsx";
import { Term } from "../../_ui/term.tsx";
import { standingOf, Verdict } from "../../_ui/verdict.tsx";
import { CostSection } from "./cost.tsx";
import { EnvelopeSection } from "./envelope.tsx";
import { FidelitySection, LineageSection, StepsSection } from "./evidence.tsx";
import { KeepSection } from "./keep.tsx";
import { CloseLook, columnsOf, SheetSection } from "./look.tsx";
import { MethodSection, OthersSection } from "./method.tsx";
import { betterOf, othersOf } from "./others.ts";
import { PlanSection } from "./plan.tsx";
import { copiesSentence, sentenceOf, unitSentence } from "./sentence.ts";
import { TellSection } from "./tally.tsx";
import { Actions, Caution, Moving } from "./state.tsx";
import { WaysSection } from "./ways.tsx";
import { When } from "../../_ui/when.tsx";

interface Props {
  readonly params: Promise<{ readonly id: string }>;
  readonly searchParams: SearchParams;
}

/** Asked once in a request. */
const pairOf = cache(async (id: string) => shown(getPair(await currentActor(), idOf(id), false)));

/** Of a pair that may be seen, asked once in a request. */
const sheetOf = cache(async (id: string) => getSheet(await currentActor(), id));

/** Which column of the sheet is compared. */
const address = z.object({ seed: z.coerce.number().int().optional() });

export async function generateMetadata({ params, searchParams }: Props): Promise<Metadata> {
  const pair = await pairOf((await params).id);
  const { seed } = parseAddress(address, await searchParams);
  const { column } = columnsOf(await sheetOf(pair.id), seed);
  const drawn = column?.pictures.guide;
  return sharedAs(
    `${pair.guide.repo} on ${pair.finetune.repo}`,
    sentenceOf(pair),
    drawn ? { ...drawn, alt: column.prompt } : undefined,
  );
}

/** All that is known of one guide on one model: in a sentence, in pictures, in numbers, and how they were got. */
export default async function PairPage({ params, searchParams }: Props) {
  const actor = await currentActor();
  const pair = await pairOf((await params).id);
  const [sheet, others, owners, tally, envelope, { seed }, form] = await Promise.all([
    sheetOf(pair.id),
    othersOf(actor, pair),
    ownersAndLicencesOf(pair),
    getTally(actor, pair.id),
    getEnvelope(actor, pair.id, false),
    searchParams.then((given) => parseAddress(address, given)),
    cookies().then((all) => parseFormState(all.get(FORM_COOKIE)?.value)),
  ]);
  const { id, finetune, guide, verdict, stale, recovered, measured, measuredAt } = pair;
  const isMoving = isUnfinished(pair);
  const isDrawing = sheet.rows.some(isUnfinished);
  const sweep = envelope.envelope && isUnfinished(envelope.envelope) ? envelope.envelope.id : null;
  const isSignedIn = actor.kind === "person";
  const { drawn, column } = columnsOf(sheet, seed);
  const hrefOf = (one: number): string => `/pairs/${id}?seed=${one}#see`;
  return (
    <>
      {(isMoving || isDrawing || sweep !== null) && <Refresh />}
      <header>
        <nav aria-label="Where this is" className="text-small [overflow-wrap:anywhere]">
          <a href="/pairs">Measurements</a> <span className="text-quiet">/</span>{" "}
          <a href={`/${finetune.repo}`}>{finetune.repo}</a> <span className="text-quiet">×</span>{" "}
          <a href={`/${guide.repo}`}>{guide.repo}</a>
        </nav>
        <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
          {nameOf(guide.repo)} <span className="font-normal text-quiet">on</span> {nameOf(finetune.repo)}
        </h1>
        <p className="mt-2 flex flex-wrap items-baseline gap-x-5 gap-y-1">
          <Verdict standing={standingOf(pair)} stale={stale} className="text-title" />
          {recovered && (
            <span>
              <Term word="recovered">R</Term> = <Estimate of={recovered} />
            </span>
          )}
          {measuredAt && (
            <span className="text-quiet">
              {verdict === "notMeasured" || verdict === "inconclusive" ? "looked at" : "measured"}{" "}
              <When at={measuredAt} /> on {pair.runtime}
            </span>
          )}
        </p>
        <p data-sentence className="mt-4 max-w-[68ch] text-title [overflow-wrap:anywhere]">
          {sentenceOf(pair)}
        </p>
        {[unitSentence(pair), copiesSentence(pair.finetune), copiesSentence(pair.guide)].map(
          (sentence) =>
            sentence && (
              <p key={sentence} className="mt-2 max-w-[68ch] text-quiet [overflow-wrap:anywhere]">
                {sentence}
              </p>
            ),
        )}
        <Actions pair={pair} isSignedIn={isSignedIn} />
        {form.values["id"] === id && <Problems state={form} />}
      </header>
      {measured && measured.looks.length > 0 && <PlanSection measured={measured} isMoving={isMoving} />}
      {isMoving && <Moving pair={pair} mayCancel={(await ifThere(getJobTimeline(actor, id)))?.mayChange ?? false} />}
      <Caution pair={pair} newer={betterOf(pair, others)?.id ?? null} />
      {(column || measured) && (
        <div className="mt-10 flex flex-wrap items-start gap-x-12 gap-y-10">
          {column && <CloseLook column={column} drawn={drawn} hrefOf={hrefOf} />}
          {measured && (
            <div className="min-w-0 max-w-full flex-1 basis-96">
              <FidelitySection measured={measured} reasons={pair.reasons} />
            </div>
          )}
        </div>
      )}
      {(measured || sheet.rows.length > 0) && (
        <SheetSection pair={pair} sheet={sheet} seed={column?.seed} hrefOf={hrefOf} />
      )}
      {sheet.done > 0 && <TellSection id={id} tally={tally} />}
      {measured && (
        <>
          {pair.curve && <WaysSection id={id} curve={pair.curve} />}
          <EnvelopeSection
            answer={envelope}
            isSignedIn={isSignedIn}
            mayCancel={sweep !== null && ((await ifThere(getJobTimeline(actor, sweep)))?.mayChange ?? false)}
          />
          <StepsSection measured={measured} />
          <LineageSection measured={measured} />
          <CostSection measured={measured} timings={sheet.timings} />
          <MethodSection pair={pair} measured={measured} />
        </>
      )}
      <OthersSection others={others} />
      <KeepSection pair={pair} owners={owners} hub={env().publicUrl} />
    </>
  );
}

const nameOf = (repo: string): string => repo.split("/")[1]!;
