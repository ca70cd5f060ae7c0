import type { Metadata } from "next";
import { jobQuery, jobState } from "#lib/catalog/jobs/schema.ts";
import { jobCounts, listJobs, listWorkers } from "#lib/catalog/jobs/service.ts";
import { shownRerunUse } from "#lib/catalog/pairs/reruns.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { toDuration } from "../_page/units.ts";
import { shown } from "../_page/shown.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Tabs } from "../_ui/tabs.tsx";
import { Filters } from "./_parts/filters.tsx";
import { JobRow } from "./_parts/row.tsx";
import { stateWords } from "./_parts/words.ts";
import { Workers } from "./_parts/workers.tsx";

export const metadata: Metadata = { title: "Jobs" };

const address = jobQuery.pick({ state: true, kind: true, mine: true, cursor: true });
const ON_A_PAGE = 50;

/** What workers do, did and will do: of public repos, and of one's own. */
export default async function JobsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const given = parseAddress(address, await searchParams);
  const chosen = { ...given, mine: given.mine && actor.kind === "person" };
  const [{ items, next }, counts, workers, reruns] = await Promise.all([
    shown(listJobs(actor, { ...chosen, limit: ON_A_PAGE })),
    jobCounts(actor, chosen),
    listWorkers(actor),
    shownRerunUse(actor),
  ]);
  const fields = { state: chosen.state, kind: chosen.kind, mine: chosen.mine ? "true" : undefined };
  const to = (change: Readonly<Record<string, string | null>>): string => addressWith("/jobs", fields, change);
  const isNarrowed = Object.values(fields).some(Boolean);
  const all = Object.values(counts).reduce((sum, count) => sum + count, 0);
  return (
    <>
      {counts.queued + counts.running > 0 && <Refresh />}
      <h1 className="text-page">Jobs</h1>
      <Workers workers={workers.items} waiting={counts.queued} />
      {reruns && (
        <p className="mt-2 text-small text-quiet">
          Old evidence is measured anew, what is used most first: {toDuration(reruns.used)} of work in the last 24 hours
          {reruns.limit === null ? ", without a limit" : `, of ${toDuration(reruns.limit)}`}; {reruns.open} waiting or
          running. <a href="/settings/quotas/guidepost">Change how much</a>
        </p>
      )}
      <div className="mt-4">
        <Tabs
          label="By state"
          current={to({})}
          tabs={[
            { href: to({ state: null }), label: "all", count: all },
            ...jobState.options.map((state) => ({
              href: to({ state }),
              label: stateWords[state],
              count: counts[state],
            })),
          ]}
        />
        <Filters kind={chosen.kind} mine={chosen.mine} hasOwn={actor.kind === "person"} to={to} />
      </div>
      {items.length === 0 ? (
        <div className="mt-6">
          <Empty
            title={isNarrowed ? "No job is like that" : "Nothing was asked of a worker yet"}
            action={
              <ButtonLink href={isNarrowed ? "/jobs" : "/upload"}>
                {isNarrowed ? "Show all jobs" : "Upload a model"}
              </ButtonLink>
            }
          >
            Workers read uploads, inspect what is committed, measure guides on models and draw previews.
          </Empty>
        </div>
      ) : (
        <ol aria-label="Jobs, the newest first">
          {items.map((job) => (
            <JobRow key={`${job.kind} ${job.subjectId}`} job={job} mayAct={actor.kind === "person"} />
          ))}
        </ol>
      )}
      <Pager first={chosen.cursor ? to({}) : null} next={next && to({ cursor: next })} what="jobs" />
    </>
  );
}
