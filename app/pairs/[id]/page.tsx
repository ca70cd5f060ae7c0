import type { Metadata } from "next";
import { z } from "zod";
import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { getPair } from "#lib/catalog/pairs/views.ts";
import { getSheet } from "#lib/catalog/sheets/service.ts";
import { Compare } from "../../_islands/compare.tsx";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { parseAddress, type SearchParams } from "../../_page/address.ts";
import { shown } from "../../_page/shown.ts";
import { toAge, toDuration, toMoment } from "../../_page/units.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";
import { Estimate } from "../../_ui/estimate.tsx";
import { modes } from "../../_ui/mode.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Progress } from "../../_ui/progress.tsx";
import { ContactSheet } from "../../_ui/sheet.tsx";
import { Term } from "../../_ui/term.tsx";
import { standingOf, Verdict } from "../../_ui/verdict.tsx";
import { CostSection } from "./cost.tsx";
import { FidelitySection, LineageSection, StepsSection } from "./evidence.tsx";
import { MethodSection } from "./method.tsx";
import { sentenceOf } from "./sentence.ts";

interface Props {
  readonly params: Promise<{ readonly id: string }>;
  readonly searchParams: SearchParams;
}

const pairOf = async ({ id }: { readonly id: string }): Promise<PairView> => shown(getPair(await currentActor(), z.uuid().safeParse(id).data ?? "00000000-0000-0000-0000-000000000000", false));

export async function generateMetadata({ params }: Props): Promise<Metadata> {
  const pair = await pairOf(await params);
  return { title: `${pair.guide.repo} on ${pair.finetune.repo}`, description: sentenceOf(pair) };
}

/** Which column of the sheet is compared. */
const address = z.object({ seed: z.coerce.number().int().optional() });

/** All that is known of one guide on one model: in a sentence, in pictures, in numbers, and how they were got. */
export default async function PairPage({ params, searchParams }: Props) {
  const actor = await currentActor();
  const pair = await pairOf(await params);
  const sheet = await getSheet(actor, pair.id);
  const { seed } = parseAddress(address, await searchParams);
  const { finetune, guide, state, verdict, stale, recovered, measured, measuredAt } = pair;
  const isMoving = state === "queued" || state === "running";
  const drawn = sheet.rows.filter(({ pictures }) => pictures.guide && pictures.cfg);
  const column = drawn.find((one) => one.seed === seed) ?? drawn[0];
  const isDrawing = sheet.rows.some((row) => row.state === "queued" || row.state === "running");
  return (
    <>
      {(isMoving || isDrawing) && <Refresh />}
      <header>
        <p className="text-small text-quiet">
          <a href="/pairs">Measurements</a>
        </p>
        <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
          <a href={`/${guide.repo}`} className="text-ink">
            {guide.repo}
          </a>{" "}
          <span className="font-normal text-quiet">on</span>{" "}
          <a href={`/${finetune.repo}`} className="text-ink">
            {finetune.repo}
          </a>
        </h1>
        <p className="mt-2 flex flex-wrap items-baseline gap-x-5 gap-y-1">
          <Verdict standing={standingOf({ state: state === "succeeded" ? "measured" : state, verdict })} stale={stale} className="text-title" />
          {recovered && (
            <span>
              <Term word="recovered">R</Term> = <Estimate of={recovered} />
            </span>
          )}
          {measuredAt && (
            <span className="text-quiet" title={toMoment(measuredAt)}>
              measured {toAge(measuredAt)} on {pair.runtime}
            </span>
          )}
        </p>
        <p className="mt-4 max-w-[72ch] text-title">{sentenceOf(pair)}</p>
        <Actions pair={pair} />
      </header>
      {isMoving && <Moving pair={pair} />}
      {column && (
        <section aria-labelledby="see" className="mt-10">
          <h2 id="see" className="mb-3 text-title">
            See it
          </h2>
          <div className="flex flex-wrap items-start gap-x-10 gap-y-4">
            <Compare key={column.seed} pictures={modes.map((mode) => column.pictures[mode]).filter((picture) => picture !== null)} prompt={column.prompt} seed={column.seed} room={384} phoneRoom={358} />
            <div className="max-w-72">
              <p className="text-quiet">«{column.prompt}»</p>
              <nav aria-label="Other seeds" className="mt-3 flex flex-wrap gap-1.5">
                {drawn.map((one) => (
                  <a key={one.seed} href={`/pairs/${pair.id}?seed=${one.seed}#see`} aria-current={one.seed === column.seed ? "true" : undefined} title={one.prompt} className="rounded border border-line px-2 py-0.5 no-underline aria-[current]:border-accent aria-[current]:bg-tint aria-[current]:font-medium">
                    seed {one.seed}
                  </a>
                ))}
              </nav>
            </div>
          </div>
        </section>
      )}
      {sheet.rows.length > 0 && (
        <section aria-labelledby="sheet" className="mt-10">
          <h2 id="sheet" className="text-title">
            {sheet.rows.length} seeds, three modes
          </h2>
          <p className="mb-3 text-quiet">
            The same prompts and seeds for every model of the base. {isDrawing && `${sheet.done} of ${sheet.total} are drawn.`}
          </p>
          <ContactSheet sheet={sheet} />
        </section>
      )}
      {measured && (
        <>
          <FidelitySection measured={measured} reasons={pair.reasons} />
          <StepsSection measured={measured} />
          <LineageSection measured={measured} />
          <CostSection measured={measured} timings={sheet.timings} />
          <MethodSection pair={pair} measured={measured} />
        </>
      )}
      {state === "succeeded" && sheet.rows.length === 0 && (
        <div className="mt-8">
          <Notice>There are no pictures of this pair: {verdict === "incompatible" ? "it is incompatible, so the hub drew none." : "it was measured before the hub drew them, or its queue was full. «Preview this pair» draws some."}</Notice>
        </div>
      )}
    </>
  );
}

function Actions({ pair: { id, finetune, guide, state, pictures, stale } }: { readonly pair: PairView }) {
  const more = stale || state === "failed" || state === "cancelled" ? null : Math.min(960, Math.max(96, 2 * pictures));
  return (
    <div className="mt-4 flex flex-wrap gap-3">
      <ButtonLink look="primary" href={`/preview?finetune=${finetune.repo}&guide=${guide.repo}`}>
        Preview this pair
      </ButtonLink>
      {state !== "queued" && state !== "running" && (
        <form method="post" action="/pairs/measure">
          <input type="hidden" name="finetune" value={finetune.repo} />
          <input type="hidden" name="guide" value={guide.repo} />
          {more !== null && <input type="hidden" name="pictures" value={more} />}
          <Button type="submit">{more === null ? "Measure it again" : `Measure with ${more} prompts`}</Button>
        </form>
      )}
      <ButtonLink href={`/api/v1/pairs/${id}?raw=true`}>Raw JSON</ButtonLink>
    </div>
  );
}

const stageNames: Readonly<Record<string, string>> = { opening: "opening the networks", lineage: "comparing weights with the base", agreement: "comparing single steps with CFG", pictures: "drawing pictures and reading them" };

/** Where a measurement is, and the way to stop it. */
function Moving({ pair: { id, state, queue, progress } }: { readonly pair: PairView }) {
  const where =
    state === "running"
      ? `Now: ${progress ? `${stageNames[progress.stage] ?? progress.stage}, ${progress.done} of ${progress.total}` : "beginning"}.`
      : queue?.workers === 0
        ? "No worker is online; it begins as soon as one is."
        : `${queue && queue.ahead > 0 ? `${queue.ahead} before it` : "It is next"}${queue?.seconds ? `, about ${toDuration(queue.seconds)}` : ""}.`;
  return (
    <section aria-label="Progress" className="mt-6 max-w-[56ch] rounded border border-line bg-raised p-4">
      <p role="status">{where}</p>
      <div className="my-3">
        <Progress label="Measured" value={progress?.done ?? null} max={progress?.total ?? null} />
      </div>
      <form method="post" action={`/pairs/${id}/cancel`}>
        <Button type="submit">Cancel measuring</Button>
      </form>
    </section>
  );
}
