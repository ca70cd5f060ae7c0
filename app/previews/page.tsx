import type { Metadata } from "next";
import { z } from "zod";
import { requirePerson } from "#lib/auth/access.ts";
import { type PreviewItem, previewQuery } from "#lib/catalog/previews/schema.ts";
import { listPreviews } from "#lib/catalog/previews/views.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { ModeMark, modeNames, modes } from "../_ui/mode.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Picture } from "../_ui/picture.tsx";
import { onThisHub } from "../preview/on-this-hub.ts";
import { When } from "../_ui/when.tsx";

export const metadata: Metadata = { title: "Your previews" };

const address = z.object({ cursor: z.string().max(2000).optional() });

/** What somebody drew, newest first. */
export default async function PreviewsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  await shown((async () => requirePerson(actor, "read"))());
  const { cursor } = parseAddress(address, await searchParams);
  const { items, next } = await shown(
    listPreviews(actor, { ...previewQuery.parse({ mine: "true", limit: 24 }), cursor }),
  );
  const isMoving = items.some(isUnfinished);
  return (
    <>
      {isMoving && <Refresh />}
      <div className="flex flex-wrap items-baseline justify-between gap-4">
        <h1 className="text-page">Your previews</h1>
        {items.length > 0 && (
          <ButtonLink href="/preview" look="primary">
            New preview
          </ButtonLink>
        )}
      </div>
      {items.length === 0 && next !== null ? (
        <Empty title="None of the newest is for you to see">Go on to those before them.</Empty>
      ) : items.length === 0 ? (
        <div className="mt-6">
          <Empty
            title="You have drawn nothing yet"
            action={
              <ButtonLink href="/preview" look="primary">
                Open the studio
              </ButtonLink>
            }
          >
            Every preview that you run is kept here for 30 days, or for good once it is shown on a model&apos;s page.
          </Empty>
        </div>
      ) : (
        <ul className="mt-5 divide-y divide-line border-y border-line">
          {items.map((item) => (
            <li key={item.id} data-row className="py-4">
              <Row item={{ ...item, pictures: item.pictures.map(onThisHub) }} />
            </li>
          ))}
        </ul>
      )}
      <Pager
        first={cursor === undefined ? null : "/previews"}
        next={next && addressWith("/previews", {}, { cursor: next })}
        what="previews"
      />
    </>
  );
}

function Row({
  item: { id, prompt, seed, steps, guidanceScale, state, problem, finetune, guide, pictures, createdAt, isAttached },
}: {
  readonly item: PreviewItem;
}) {
  const drawn = modes.filter((mode) => mode !== "guide" || guide !== null);
  return (
    <article className="relative flex flex-col gap-x-6 gap-y-2 sm:flex-row">
      <div className="grid w-full shrink-0 grid-cols-3 gap-1 sm:w-[392px]">
        {drawn.map((mode) => {
          const picture = pictures.find((one) => one.mode === mode);
          return (
            <div key={mode} className="grid aspect-square place-items-center overflow-hidden bg-sunken">
              {picture ? (
                <Picture
                  url={picture.url}
                  width={picture.width}
                  height={picture.height}
                  alt={`${modeNames[mode]}: ${prompt}`}
                  room={128}
                />
              ) : (
                <span className="inline-flex items-center gap-1 text-small text-quiet">
                  <ModeMark mode={mode} />
                  {modeNames[mode]}
                </span>
              )}
            </div>
          );
        })}
      </div>
      <div className="min-w-0">
        <h2 className="text-body [overflow-wrap:anywhere]">
          <a href={`/previews/${id}`} className="text-ink no-underline after:absolute after:inset-0 hover:text-accent">
            {prompt}
          </a>
        </h2>
        <p className="mt-1 [overflow-wrap:anywhere]">
          {finetune.repo}
          {guide ? ` with ${guide.repo}` : ", without a guide"}
        </p>
        <p className="mt-1 text-small text-quiet">
          <span className={colours[state]}>{stateNames[state]}</span> · seed {seed} · {steps} steps · guidance{" "}
          {guidanceScale} · <When at={createdAt} />
          {isAttached && " · on the model's page"}
        </p>
        {problem !== null && <p className="mt-1 line-clamp-2 text-small text-incompatible">{problem}</p>}
      </div>
    </article>
  );
}

const stateNames = {
  queued: "… waiting",
  running: "◌ being drawn",
  succeeded: "✓ drawn",
  failed: "! failed",
  cancelled: "– cancelled",
} as const;
const colours = {
  queued: "",
  running: "text-accent",
  succeeded: "text-verified",
  failed: "text-incompatible",
  cancelled: "",
} as const;
