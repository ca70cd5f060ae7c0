import type { Metadata } from "next";
import { MAX_FAMILY } from "#lib/catalog/pairs/family.ts";
import { matrix, MAX_GUIDES } from "#lib/catalog/pairs/matrix.ts";
import type { Matrix } from "#lib/catalog/pairs/schema.ts";
import { fullName, toRepoName } from "#lib/catalog/repo-name.ts";
import { repoQuery } from "#lib/catalog/repos/schema.ts";
import { listRepos } from "#lib/catalog/repos/service.ts";
import { AppError } from "#lib/errors.ts";
import { pageQuery } from "#lib/page.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { toBoundedPlural } from "../_page/units.ts";
import { Button, ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Term } from "../_ui/term.tsx";
import { MatrixTable } from "./table.tsx";

const address = pageQuery.pick({ cursor: true }).extend({ base: fullName.optional() });

export async function generateMetadata({ searchParams }: { readonly searchParams: SearchParams }): Promise<Metadata> {
  const { base } = parseAddress(address, await searchParams);
  return { title: base ? `Fine-tunes and guides of ${base}` : "Fine-tunes and guides" };
}

const ROWS = 50;
const BASES = 100; // to choose from; any other by its address

/** Every fine-tune of a base against every guide for it. Where nobody says which base, the most used. */
export default async function MatrixPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const { base: asked, cursor } = parseAddress(address, await searchParams);
  const bases = (
    await shown(listRepos(actor, repoQuery.parse({ kind: "base", sort: "downloads", limit: String(BASES) })))
  ).items.map(({ owner, name }) => `${owner}/${name}`);
  const base = asked ?? bases[0];
  if (base === undefined) {
    return (
      <Empty title="No base is on this hub yet" action={<ButtonLink href="/upload">Upload a base</ButtonLink>}>
        Bases come first, then guides for them and fine-tunes made from them. Here you see how well they go together.
      </Empty>
    );
  }
  const found = await shown(matrix(actor, toRepoName(base), { cursor, limit: ROWS }).catch(refused));
  if (found === null) {
    return (
      <Empty
        title={cursor ? "This part of the table is not there" : `${base} is no base`}
        action={
          <ButtonLink href={cursor ? addressWith("/matrix", { base }, {}) : "/matrix"}>
            {cursor ? "To its start" : "Choose a base"}
          </ButtonLink>
        }
      >
        {cursor
          ? "The address is mistyped, or is of another table."
          : "Only a base has fine-tunes and guides of its own."}
      </Empty>
    );
  }
  return (
    <>
      {isMoving(found) && <Refresh every={4000} />}
      <h1 className="text-page [overflow-wrap:anywhere]">Fine-tunes and guides of {found.base.split("/")[1]}</h1>
      <p className="mt-1 max-w-[72ch] text-quiet">
        Each row is the <Term word="base" /> or a <Term word="fine-tune" /> of it, each column a <Term word="guide" />.
        A cell says what was measured of the <Term word="pair" />: the verdict and <Term word="recovered">R</Term>, the
        share of what CFG adds that the guide gives back, between 0 (nothing) and 1 (all of it), with its 95% interval;
        the ticks beside it are 0 and 1.
      </p>
      <div className="my-4 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
        {bases.length > 1 || !bases.includes(found.base) ? (
          <ChooseBase bases={bases} chosen={found.base} />
        ) : (
          <p className="text-quiet">{counts(found)}</p>
        )}
        <p className="flex flex-wrap gap-x-4">
          <a href={`/${found.base}`}>{found.base}</a>
          <a href={addressWith("/matrix/table.csv", { base: found.base }, {})} download>
            All as CSV
          </a>
          <a href={`/api/v1/repos/${found.base}/matrix?limit=100`}>JSON</a>
        </p>
      </div>
      {bases.length > 1 && <p className="mb-2 text-quiet">{counts(found)}</p>}
      {found.guideCount === 0 || found.modelCount === 0 ? <Nothing found={found} /> : <MatrixTable found={found} />}
      {found.guideCount > MAX_GUIDES && (
        <p className="mt-2 text-small text-quiet">
          The {MAX_GUIDES} guides that are used most. All of them stand on the page of each fine-tune.
        </p>
      )}
      <Pager
        first={cursor ? addressWith("/matrix", { base: asked }, {}) : null}
        next={found.next && addressWith("/matrix", { base: found.base }, { cursor: found.next })}
        what="fine-tunes"
      />
    </>
  );
}

/** Null for an address that somebody typed and that asks for no table. */
function refused(cause: unknown): null {
  if (cause instanceof AppError && cause.code === "bad_request") return null;
  throw cause;
}

const counts = ({ modelCount, guideCount }: Matrix): string =>
  `${toBoundedPlural(boundedOf(modelCount), "model")} × ${toBoundedPlural(boundedOf(guideCount), "guide")}`;

const boundedOf = (count: number): { count: number; atLeast: boolean } => ({ count, atLeast: count === MAX_FAMILY });

const isMoving = ({ items }: Matrix): boolean => items.some(({ cells }) => cells.some(isUnfinished));

function ChooseBase({ bases, chosen }: { readonly bases: readonly string[]; readonly chosen: string }) {
  return (
    <form action="/matrix" className="flex min-w-0 items-end gap-2">
      <div className="min-w-0">
        <label htmlFor="base" className="block text-small text-quiet">
          Base
        </label>
        <select
          id="base"
          name="base"
          defaultValue={chosen}
          className="h-9 w-full max-w-80 rounded border border-edge bg-raised px-2"
        >
          {[...new Set([chosen, ...bases])].map((each) => (
            <option key={each}>{each}</option>
          ))}
        </select>
      </div>
      <Button type="submit">Show</Button>
    </form>
  );
}

function Nothing({ found: { base, guideCount } }: { readonly found: Matrix }) {
  return guideCount === 0 ? (
    <Empty title={`No guide for ${base} is here yet`} action={<ButtonLink href="/upload">Upload a guide</ButtonLink>}>
      A guide is measured on every fine-tune of its base as soon as both are on this hub.
    </Empty>
  ) : (
    <Empty
      title="Nothing here runs with a guide yet"
      action={<ButtonLink href="/upload">Upload a fine-tune</ButtonLink>}
    >
      The base and its fine-tunes appear here as soon as they have been read.
    </Empty>
  );
}
