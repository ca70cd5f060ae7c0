import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { cache } from "react";
import { requireWrite } from "#lib/auth/access.ts";
import { getPreview } from "#lib/catalog/previews/views.ts";
import { toRepoName } from "#lib/catalog/repo-name.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { samplerLabels } from "#lib/sampler-names.ts";
import { Compare } from "../../_islands/compare.tsx";
import { currentActor } from "../../_page/actor.ts";
import { idOf } from "../../_page/id-of.ts";
import { ifThere, shown } from "../../_page/shown.ts";
import { toMoment } from "../../_page/units.ts";
import { modes } from "../../_ui/mode.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Actions } from "./actions.tsx";
import { Frame } from "./frame.tsx";
import { Live } from "./live.tsx";
import { RecipeTable } from "./recipe-table.tsx";
import { onThisHub } from "../../preview/on-this-hub.ts";
import { Took } from "./took.tsx";
import { When } from "../../_ui/when.tsx";

interface PageProps {
  readonly params: Promise<{ readonly id: string }>;
}

/** Asked once in a request. */
const previewOf = cache(async (id: string) => getPreview(await currentActor(), idOf(id)));

export async function generateMetadata({ params }: PageProps): Promise<Metadata> {
  const preview = await ifThere(previewOf((await params).id));
  return { title: preview ? `“${preview.prompt.slice(0, 80)}”` : "Preview", robots: { index: false } };
}

/** One preview: while it is drawn as it comes, then its pictures against each other, and all that made them. */
export default async function PreviewPage({ params }: PageProps) {
  const actor = await currentActor();
  const given = await shown(previewOf((await params).id));
  const preview = { ...given, pictures: given.pictures.map(onThisHub) };
  const {
    id,
    state,
    prompt,
    negativePrompt,
    seed,
    steps,
    guidanceScale,
    cfgSteps,
    guideStrength,
    sampler,
    finetune,
    guide,
    pictures,
    problem,
    timings,
    expiresAt,
    isAttached,
  } = preview;
  const { problems } = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const isMoving = isUnfinished(preview);
  const mayShow = state === "succeeded" && (await ifThere(requireWrite(actor, toRepoName(finetune.repo)))) !== null;
  const ordered = modes.flatMap((mode) => pictures.find((picture) => picture.mode === mode) ?? []);
  return (
    <>
      <h1 className="text-page [overflow-wrap:anywhere]">“{prompt}”</h1>
      <p className="mt-1 [overflow-wrap:anywhere] text-quiet">
        <a href={`/${finetune.repo}`}>{finetune.repo}</a>
        {guide ? (
          <>
            {" "}
            with <a href={`/${guide.repo}`}>{guide.repo}</a>
          </>
        ) : (
          ", without a guide"
        )}{" "}
        · seed {seed} · {steps} steps of {samplerLabels[sampler]} · guidance {guidanceScale}
        {cfgSteps > 0 && ` · CFG for the first ${cfgSteps}`}
        {guideStrength !== 1 && ` · guide × ${guideStrength}`}
        {negativePrompt && ` · away from “${negativePrompt}”`}
      </p>
      {Object.keys(problems).length > 0 && (
        <div className="mt-4">
          <Notice kind="bad" alert>
            {Object.values(problems).join(" ")}
          </Notice>
        </div>
      )}
      {isMoving && (
        <>
          <noscript>
            <meta httpEquiv="refresh" content="2" />
          </noscript>
          <Live key={id} first={given} age={Math.max(0, (Date.now() - Date.parse(preview.createdAt)) / 1000)} />
        </>
      )}
      {state === "failed" && (
        <div className="mt-5">
          <Notice kind="bad" alert>
            <p className="font-medium">It could not be drawn.</p>
            <p>{problem}</p>
            {ordered.length > 0 && <p>The pictures that were there are kept below.</p>}
          </Notice>
        </div>
      )}
      {state === "cancelled" && (
        <div className="mt-5">
          <Notice>
            {ordered.length === 0
              ? "It was cancelled before the first picture was there."
              : "It was cancelled. The pictures that were there are kept."}
          </Notice>
        </div>
      )}
      {!isMoving && (
        <div className="mt-5 flex flex-wrap items-start gap-x-12 gap-y-8">
          {ordered.length > 1 ? (
            <Compare pictures={ordered} prompt={prompt} seed={seed} room={640} phoneRoom={358} besideRoom={384} />
          ) : (
            ordered.map((picture) => (
              <Frame key={picture.mode} mode={picture.mode} picture={picture} prompt={prompt} empty="" />
            ))
          )}
          <div className="min-w-0 flex-[1_1_20rem] space-y-6">
            {ordered.length > 0 && <Took pictures={ordered} id={id} timings={timings} />}
            <Actions preview={preview} isSignedIn={actor.kind === "person"} mayShow={mayShow} />
            <p className="text-small text-quiet">
              {isAttached
                ? "Shown on the model's page, and kept. "
                : expiresAt
                  ? `Kept until ${toMoment(expiresAt)}. `
                  : ""}
              Asked for on <When at={preview.createdAt} as="moment" />.
            </p>
          </div>
        </div>
      )}
      {!isMoving && ordered.length > 0 && <RecipeTable preview={preview} />}
    </>
  );
}
