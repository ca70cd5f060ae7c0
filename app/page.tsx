import { z } from "zod";
import type { Actor } from "#lib/auth/actor.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { pairQuery } from "#lib/catalog/pairs/schema.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import type { SheetRow, Showcase } from "#lib/catalog/sheets/schema.ts";
import { cardsOf, showcase } from "#lib/catalog/sheets/service.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Compare } from "./_islands/compare.tsx";
import { Refresh } from "./_islands/refresh.tsx";
import { currentActor } from "./_page/actor.ts";
import { parseAddress, type SearchParams } from "./_page/address.ts";
import { toPlural } from "./_page/units.ts";
import { Button, ButtonLink } from "./_ui/button.tsx";
import { Empty } from "./_ui/empty.tsx";
import { Estimate } from "./_ui/estimate.tsx";
import { modes } from "./_ui/mode.tsx";
import { Passes } from "./_ui/passes.tsx";
import { Picture } from "./_ui/picture.tsx";
import { RepoCards } from "./_ui/repo-card.tsx";
import { Term } from "./_ui/term.tsx";
import { Verdict } from "./_ui/verdict.tsx";
import { When } from "./_ui/when.tsx";

/** What a guide does, in one look; then the three ways on: a guide for your model, your model for the guides, everything there is. */
export default async function FrontPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const { seed } = parseAddress(address, await searchParams);
  const [shown, models, guides] = await Promise.all([
    showcase(actor),
    listed(actor, "finetune", 6),
    listed(actor, "guide", 3),
  ]);
  return (
    <>
      <section
        aria-labelledby="what"
        className="grid grid-cols-1 items-start gap-x-12 gap-y-6 lg:grid-cols-[minmax(0,1fr)_auto] lg:grid-rows-[auto_1fr]"
      >
        <h1 id="what" className="max-w-[18ch] text-hero">
          The same guidance at about half the work
        </h1>
        <div className="min-w-0 lg:col-start-2 lg:row-span-2 lg:row-start-1">
          {shown ? <Shown {...shown} seed={seed} /> : <Waiting actor={actor} />}
        </div>
        <div className="max-w-[56ch]">
          <p className="text-title text-quiet">
            A <Term word="guide" /> is a network of about a hundredth of your model&apos;s size. Trained once for a{" "}
            <Term word="base" />, it stands in for <Term word="cfg">classifier-free guidance</Term> on that base and on
            the <Term word="fine-tune">fine-tunes</Term> made from it. This hub measures which guide works on which
            model, and shows you how it looks.
          </p>
          <Passes className="mt-6" />
          <FindGuide models={models.repos.map(({ owner, name }) => `${owner}/${name}`)} />
          <div className="mt-4 flex flex-wrap gap-3">
            <ButtonLink href="/upload">Upload a fine-tune</ButtonLink>
            <ButtonLink href="/browse">Browse everything</ButtonLink>
          </div>
        </div>
      </section>
      <Cards
        title="Fine-tunes"
        note="Every card shows the same prompts and seeds, drawn here with the best guide."
        href="/browse?kind=finetune"
        {...models}
      />
      <Cards
        title="Guides"
        note="Each on several fine-tunes, with the same prompt and seed."
        href="/browse?kind=guide"
        {...guides}
      />
    </>
  );
}

/** Which picture of the sheet is compared. */
const address = z.object({ seed: z.coerce.number().int().optional() });

type ListedCards = Awaited<ReturnType<typeof listed>>;

async function listed(actor: Actor, kind: "finetune" | "guide", limit: number) {
  const { items } = await listRepos(actor, repoQuery.parse({ kind, sort: "downloads", limit }));
  return {
    repos: items,
    contents: await cardsOf(
      actor,
      items.map(({ id }) => id),
    ),
  };
}

/** The best of what was measured here: the same noise, the same prompt, with CFG and with the guide. */
function Shown({ pair, sheet, seed }: Showcase & { readonly seed: number | undefined }) {
  const row =
    sheet.rows.find((one) => one.seed === seed) ?? sheet.rows.toSorted((a, b) => b.prompt.length - a.prompt.length)[0]!; // a prompt that asks for much shows most
  const pictures = modes.map((mode) => row.pictures[mode]).filter((picture) => picture !== null);
  return (
    <>
      <Compare pictures={pictures} prompt={row.prompt} seed={row.seed} room={512} phoneRoom={358} />
      <Seeds rows={sheet.rows} current={row} />
      <p className="mt-3 max-w-[512px] text-small text-quiet">
        “{row.prompt}” · <a href={`/${pair.finetune.repo}`}>{pair.finetune.repo}</a> with{" "}
        <a href={`/${pair.guide.repo}`}>{pair.guide.repo}</a>
      </p>
      <p className="mt-1 flex max-w-[512px] flex-wrap items-baseline gap-x-4 gap-y-1 text-small">
        <Verdict standing={pair.verdict} stale={pair.stale} />
        <span>
          <Term word="recovered">recovers</Term> <Estimate of={pair.recovered} />
        </span>
        <a href={`/pairs/${pair.id}`}>measured on this hub {pair.measuredAt && <When at={pair.measuredAt} />}</a>
      </p>
      <p className="mt-3 max-w-[512px]">
        <a href={`/pairs/${pair.id}/tell`}>Can you tell which is which?</a>{" "}
        <span className="text-quiet">Look at two pictures, not knowing, and say which follows its prompt better.</span>
      </p>
    </>
  );
}

/** The other pictures of the sheet, a tap away. */
function Seeds({ rows, current }: { readonly rows: readonly SheetRow[]; readonly current: SheetRow }) {
  return (
    <nav aria-label="Other prompts" className="mt-3 flex max-w-[512px] gap-1">
      {rows.map(({ seed, prompt, pictures: { guide } }) => (
        <a
          key={seed}
          href={`/?seed=${seed}`}
          aria-current={seed === current.seed ? "true" : undefined}
          title={prompt}
          className="flex-1 border-2 border-transparent hover:border-line aria-[current]:border-accent"
        >
          {guide && (
            <Picture
              url={guide.url}
              width={guide.width}
              height={guide.height}
              alt={prompt}
              eager
              className="aspect-square! w-full!"
            />
          )}
        </a>
      ))}
    </nav>
  );
}

/** Before anything was measured: what is going on, or what to do. */
async function Waiting({ actor }: { readonly actor: Actor }) {
  const { items } = await listPairs(actor, pairQuery.parse({ limit: 100 }));
  const moving = items.filter(isUnfinished).length;
  const measured = items.filter(({ state }) => state === "succeeded").length;
  return (
    <div className="w-full max-w-[512px] lg:w-[512px]">
      {moving > 0 && <Refresh every={4000} />}
      <Empty
        title={
          items.length === 0
            ? "Nothing was measured on this hub yet"
            : `${toPlural(measured, "pair")} measured, ${moving} to go`
        }
        action={
          <ButtonLink href={moving > 0 ? "/jobs" : "/upload"}>
            {moving > 0 ? "Watch the jobs" : "Upload a base and a guide"}
          </ButtonLink>
        }
      >
        Here you will see a picture drawn with CFG beside the same picture drawn with a guide, with a divider to drag.
        {moving > 0 && " The hub is measuring what it has and drawing the first pictures; that takes a few minutes."}
      </Empty>
    </div>
  );
}

function FindGuide({ models }: { readonly models: readonly string[] }) {
  return (
    <form action="/browse" className="mt-6 flex flex-wrap items-end gap-2">
      <input type="hidden" name="kind" value="finetune" />
      <div className="min-w-56 flex-1">
        <label htmlFor="model" className="block text-small font-medium">
          Find a guide for your model
        </label>
        <input
          id="model"
          name="q"
          list="models"
          placeholder="name of a fine-tune"
          autoComplete="off"
          className="mt-1 h-9 w-full rounded border border-edge bg-raised px-3"
        />
        <datalist id="models">
          {models.map((name) => (
            <option key={name} value={name} />
          ))}
        </datalist>
      </div>
      <Button type="submit" look="primary">
        Find
      </Button>
    </form>
  );
}

function Cards({
  title,
  note,
  href,
  repos,
  contents,
}: ListedCards & { readonly title: string; readonly note: string; readonly href: string }) {
  return (
    <section aria-labelledby={title} className="mt-14">
      <div className="flex flex-wrap items-baseline justify-between gap-x-4">
        <h2 id={title} className="text-page">
          {title}
        </h2>
        <a href={href}>All {title.toLowerCase()}</a>
      </div>
      <p className="mb-4 text-quiet">{note}</p>
      {repos.length === 0 ? (
        <Empty title="None yet" action={<ButtonLink href="/upload">Upload one</ButtonLink>} />
      ) : (
        <RepoCards repos={repos} contents={contents} />
      )}
    </section>
  );
}
