import type { Metadata } from "next";
import { type DistillationItem, distillationQuery } from "#lib/catalog/distillations/schema.ts";
import { listDistillations } from "#lib/catalog/distillations/views.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { toCount } from "../_page/units.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Tabs } from "../_ui/tabs.tsx";
import { When } from "../_ui/when.tsx";
import { StateMark } from "./_parts/state-mark.tsx";

export const metadata: Metadata = { title: "Distillations" };

const address = distillationQuery.pick({ mine: true, cursor: true });
const ON_A_PAGE = 50;

/** Guides that are made on this hub, and those that were. */
export default async function DistillationsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const isSignedIn = actor.kind === "person";
  const given = parseAddress(address, await searchParams);
  const mine = given.mine && isSignedIn;
  const { items, next } = await shown(listDistillations(actor, { ...given, mine, limit: ON_A_PAGE }));
  const to = (change: Readonly<Record<string, string | null>>): string =>
    addressWith("/distillations", { mine: mine ? "true" : undefined }, change);
  return (
    <>
      {items.some((one) => one.state === "queued" || one.state === "running") && <Refresh />}
      <h1 className="text-page">Distillations</h1>
      <p className="mt-1 max-w-[72ch] text-quiet">
        A guide is distilled once from a base, and works on the fine-tunes of that base. It begins with the button
        “Distil a guide” on a base’s page.
      </p>
      {isSignedIn && (
        <div className="mt-4">
          <Tabs
            label="Whose"
            current={to({})}
            tabs={[
              { href: to({ mine: null }), label: "everybody’s" },
              { href: to({ mine: "true" }), label: "only mine" },
            ]}
          />
        </div>
      )}
      {items.length === 0 ? (
        <div className="mt-6">
          <Empty
            title={mine ? "You have not distilled a guide yet" : "No guide was distilled on this hub yet"}
            action={<ButtonLink href="/browse?kind=base">Choose a base</ButtonLink>}
          >
            It takes some minutes for a small base and many hours for a large one; you may close the page meanwhile.
          </Empty>
        </div>
      ) : (
        <ol aria-label="Distillations, the newest first" className="mt-2">
          {items.map((one) => (
            <Row key={one.id} one={one} />
          ))}
        </ol>
      )}
      <Pager first={given.cursor ? to({}) : null} next={next && to({ cursor: next })} what="distillations" />
    </>
  );
}

function Row({ one }: { readonly one: DistillationItem }) {
  const { id, guide, base, choice, state, problem, createdAt } = one;
  return (
    <li className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-1 border-b border-line py-2.5 sm:grid-cols-[minmax(0,5fr)_minmax(0,4fr)_8rem]">
      <a href={`/distillations/${id}`} className="[overflow-wrap:anywhere]">
        {guide.repo}
        <span className="sr-only">, the distillation</span>
      </a>
      <span className="text-quiet [overflow-wrap:anywhere] max-sm:col-span-2 max-sm:row-start-2">
        <StateMark state={state} /> {base ? `of ${base.repo}` : "of a base that is gone"}, {toCount(choice.steps)} steps
        {state === "failed" && <span className="block text-small">{problem}</span>}
      </span>
      <When at={createdAt} className="text-right text-small leading-6 whitespace-nowrap text-quiet" />
    </li>
  );
}
