import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { jobKind, jobQuery, jobState } from "#lib/catalog/jobs/schema.ts";
import { jobCounts, listJobs, listWorkers } from "#lib/catalog/jobs/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { Refresh } from "../_islands/refresh.tsx";
import { currentActor } from "../_page/actor.ts";
import { addressWith, parseAddress, type SearchParams } from "../_page/address.ts";
import { shown } from "../_page/shown.ts";
import { toAge, toMoment } from "../_page/units.ts";
import { ButtonLink } from "../_ui/button.tsx";
import { Empty } from "../_ui/empty.tsx";
import { Problems } from "../_ui/field.tsx";
import { Notice } from "../_ui/notice.tsx";
import { Pager } from "../_ui/pager.tsx";
import { Table } from "../_ui/table.tsx";
import { Tabs } from "../_ui/tabs.tsx";
import { JobActions } from "./_parts/actions.tsx";
import { JobState } from "./_parts/state.tsx";
import { kindWords, stateWords, subjectOf } from "./_parts/words.ts";

export const metadata: Metadata = { title: "Jobs" };

const address = jobQuery.pick({ state: true, kind: true, mine: true, cursor: true });

/** What workers do, did and will do: of public repos, and of one's own. */
export default async function JobsPage({ searchParams }: { readonly searchParams: SearchParams }) {
  const actor = await currentActor();
  const given = parseAddress(address, await searchParams);
  const chosen = { ...given, mine: given.mine && actor.kind === "person" };
  const [{ items, next }, counts, workers] = await Promise.all([shown(listJobs(actor, { ...chosen, limit: 50 })), jobCounts(actor, chosen), listWorkers()]);
  const form = parseFormState((await cookies()).get(FORM_COOKIE)?.value);
  const fields = { state: chosen.state, kind: chosen.kind, mine: chosen.mine ? "true" : undefined };
  const to = (change: Readonly<Record<string, string | null>>): string => addressWith("/jobs", fields, change);
  const isMoving = counts.queued + counts.running > 0;
  return (
    <>
      {isMoving && <Refresh />}
      <h1 className="text-page">Jobs</h1>
      <Workers workers={workers.items} waiting={counts.queued} />
      <Problems state={form} />
      <div className="mt-4 flex flex-wrap items-end justify-between gap-x-6 gap-y-2">
        <Tabs label="By state" current={to({})} tabs={[{ href: to({ state: null }), label: "all" }, ...jobState.options.map((state) => ({ href: to({ state }), label: stateWords[state], count: counts[state] }))]} />
        <nav aria-label="By kind" className="flex flex-wrap gap-x-4 gap-y-1 text-small">
          <a href={to({ kind: null })} aria-current={chosen.kind ? undefined : "true"} className="aria-[current]:font-medium aria-[current]:text-ink">
            every kind
          </a>
          {jobKind.options.map((kind) => (
            <a key={kind} href={to({ kind })} aria-current={chosen.kind === kind ? "true" : undefined} className="aria-[current]:font-medium aria-[current]:text-ink">
              {kindWords[kind]}
            </a>
          ))}
          {actor.kind === "person" && (
            <a href={to({ mine: chosen.mine ? null : "true" })} aria-current={chosen.mine ? "true" : undefined} className="aria-[current]:font-medium aria-[current]:text-ink">
              only mine
            </a>
          )}
        </nav>
      </div>
      {items.length === 0 ? (
        <div className="mt-6">
          <Empty title={chosen.state || chosen.kind || chosen.mine ? "No job is like that" : "Nothing was asked of a worker yet"} action={<ButtonLink href={chosen.state || chosen.kind || chosen.mine ? "/jobs" : "/upload"}>{chosen.state || chosen.kind || chosen.mine ? "Show all jobs" : "Upload a model"}</ButtonLink>}>
            Workers read uploads, inspect what is committed, measure guides on models and draw previews.
          </Empty>
        </div>
      ) : (
        <Table caption="Jobs" head={["what", "about", "state", "asked for", <span key="do" className="sr-only">do</span>]}>
          {items.map((job) => {
            const { name, href } = subjectOf(job);
            return (
              <tr key={`${job.kind} ${job.subjectId}`} data-row>
                <td className="whitespace-nowrap">
                  <a href={`/jobs/${job.subjectId}`}>{kindWords[job.kind]}</a>
                </td>
                <td className="min-w-48 [overflow-wrap:anywhere]">
                  <a href={href}>{name}</a>
                </td>
                <td>
                  <JobState job={job} />
                </td>
                <td className="whitespace-nowrap text-quiet" title={toMoment(job.createdAt)}>
                  {toAge(job.createdAt)}
                </td>
                <td className="text-right">{actor.kind === "person" && <JobActions job={job} />}</td>
              </tr>
            );
          })}
        </Table>
      )}
      <Pager first={chosen.cursor ? to({}) : null} next={next && to({ cursor: next })} what="jobs" />
    </>
  );
}

function Workers({ workers, waiting }: { readonly workers: Awaited<ReturnType<typeof listWorkers>>["items"]; readonly waiting: number }) {
  if (workers.length === 0) {
    return (
      <div className="mt-3 max-w-[72ch]">
        <Notice kind="careful">
          No worker is online. {waiting > 0 ? "What waits begins as soon as one is; nothing is lost." : "What is asked for now waits until one is."} Whoever runs this hub starts one with <code>npx guidepost worker</code>. Browsing and downloading go on.
        </Notice>
      </div>
    );
  }
  return (
    <p className="mt-2 text-quiet">
      {workers.length === 1 ? "One worker is" : `${workers.length} workers are`} online: {workers.map(({ id, host, runtime, startedAt }, index) => (
        <span key={id} title={`since ${toMoment(startedAt)}`}>
          {index > 0 && ", "}
          <code>{host}</code> ({runtime}, since {toAge(startedAt).replace(" ago", "")})
        </span>
      ))}
    </p>
  );
}
