import type { Metadata } from "next";
import { cookies } from "next/headers.js";
import { getJobTimeline } from "#lib/catalog/jobs/service.ts";
import { FORM_COOKIE, parseFormState } from "#lib/http/form.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { idOf } from "../../_page/id-of.ts";
import { shown } from "../../_page/shown.ts";
import { toDuration } from "../../_page/units.ts";
import { Facts } from "../../_ui/facts.tsx";
import { Problems } from "../../_ui/field.tsx";
import { JobActions } from "../_parts/actions.tsx";
import { JobState } from "../_parts/state.tsx";
import { Timeline } from "../_parts/timeline.tsx";
import { kindWords, placeOf, spansOf, subjectOf } from "../_parts/words.ts";
import { When } from "../../_ui/when.tsx";

export const metadata: Metadata = { title: "A job" };

/** All that happened to one job, in order. */
export default async function JobPage({ params }: { readonly params: Promise<{ readonly subjectId: string }> }) {
  const actor = await currentActor();
  const job = await shown(getJobTimeline(actor, idOf((await params).subjectId)));
  const { name, href } = subjectOf(job);
  const { waited, took } = spansOf(job.events);
  return (
    <>
      {isUnfinished(job) && <Refresh />}
      <p className="text-small">
        <a href="/jobs">Jobs</a>
      </p>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        <span className="font-normal text-quiet">{kindWords[job.kind]}</span> <a href={href}>{name}</a>
      </h1>
      <Problems state={parseFormState((await cookies()).get(FORM_COOKIE)?.value)} />
      <div className="mt-3 flex flex-wrap items-start justify-between gap-x-8 gap-y-3 border-y border-line py-4 sm:max-w-[100ch]">
        <div className="min-w-0 flex-1">
          <JobState job={{ ...job, ahead: null }} />
          {job.position && <p className="text-quiet">{placeOf(job.position)}</p>}
        </div>
        {actor.kind === "person" && <JobActions job={job} />}
      </div>
      <div className="mt-6 grid gap-8 sm:max-w-[100ch] md:grid-cols-[minmax(0,1fr)_26rem]">
        <section aria-labelledby="happened">
          <h2 id="happened" className="mb-3 text-title">
            What happened
          </h2>
          <Timeline events={job.events} />
        </section>
        <section aria-labelledby="facts">
          <h2 id="facts" className="mb-3 text-title">
            This job
          </h2>
          <Facts
            facts={[
              ["asked for", <When key="a" at={job.createdAt} as="moment" />],
              ...(waited === null ? [] : [["waited", toDuration(waited)] as const]),
              ...(took === null ? [] : [[job.state === "running" ? "running for" : "took", toDuration(took)] as const]),
              ["attempts", job.attempt],
              [
                "id",
                <code key="id" className="text-small">
                  {job.subjectId}
                </code>,
              ],
              [
                "for scripts",
                <a key="json" href={`/api/v1/jobs/${job.subjectId}`}>
                  JSON
                </a>,
              ],
            ]}
          />
        </section>
      </div>
    </>
  );
}
