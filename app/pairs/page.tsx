import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { pairQuery, verdict } from "#lib/catalog/pairs/schema.ts";
import { listPairs } from "#lib/catalog/pairs/views.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Estimate } from "../_ui/estimate.tsx";
import { Problems } from "../_ui/field.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Table } from "../_ui/table.tsx";
import { Tabs } from "../_ui/tabs.tsx";
import { Term } from "../_ui/term.tsx";
import { standingOf, Verdict, wordOf } from "../_ui/verdict.tsx";
import { When } from "../_ui/when.tsx";

export const metadata: Metadata = { title: "Measurements" };

const address = pairQuery.pick({ verdict: true, cursor: true });

/** What was measured, newest first. */
export default async function PairsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const chosen = parseAddress(address, await searchParams);
  const { items, next } = await shown(listPairs(actor, pairQuery.parse({ ...chosen, limit: "50" })));
  const state = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const to = (change: Readonly<Record<string, string | null>>): string =>
    addressWith("/pairs", chosen, { cursor: null, ...change });
  return (
    <>
      {items.some(isUnfinished) && <Refresh every={4000} />}
      <h1 className="text-page">Measurements</h1>
      <p className="mt-1 max-w-[72ch] text-quiet">
        What this hub measured of one <Term word="guide" /> on one model, newest first: the <Term word="evidence" />{" "}
        behind every verdict.
      </p>
      <Problems state={state} />
      <div className="mt-3 mb-4">
        <Tabs
          label="By verdict"
          current={to({})}
          tabs={[
            { href: to({ verdict: null }), label: "all" },
            ...verdict.options.map((each) => ({ href: to({ verdict: each }), label: wordOf(each) })),
          ]}
        />
      </div>
      {items.length === 0 && next !== null ? (
        <Empty title="None of the newest is for you to see">Go on to those before them.</Empty>
      ) : items.length === 0 ? (
        <Empty
          title="No measurement is here"
          action={
            chosen.verdict ? (
              <ButtonLink href="/pairs">Show all measurements</ButtonLink>
            ) : (
              <ButtonLink href="/browse">Browse models</ButtonLink>
            )
          }
        >
          {chosen.verdict
            ? `None that you may see is “${wordOf(chosen.verdict)}”.`
            : "A guide is measured on every fine-tune of its base as soon as both are on this hub."}
        </Empty>
      ) : (
        <Table caption="Measurements" head={["guide on model", "verdict", "R, recovered", "measured"]}>
          {items.map((item) => (
            <tr key={item.id} data-row>
              <td className="min-w-44 [overflow-wrap:anywhere]">
                <a href={`/pairs/${item.id}`} aria-label={`${item.guide.repo} on ${item.finetune.repo}`}>
                  {item.guide.repo}
                </a>{" "}
                <span className="text-quiet max-sm:block">
                  on <a href={`/${item.finetune.repo}`}>{item.finetune.repo}</a>
                </span>
              </td>
              <td className="whitespace-nowrap">
                <Verdict standing={standingOf(item)} stale={item.stale} />
              </td>
              <td>{item.recovered ? <Estimate of={item.recovered} /> : <span className="text-quiet">—</span>}</td>
              <td className="whitespace-nowrap text-quiet">{item.measuredAt ? <When at={item.measuredAt} /> : "—"}</td>
            </tr>
          ))}
        </Table>
      )}
      <Pager first={chosen.cursor ? to({}) : null} next={next && to({ cursor: next })} what="measurements" />
    </>
  );
}
