import type { Metadata } from "next";
import { z } from "zod";
import { getJobTimeline } from "#lib/catalog/jobs/service.ts";
import { Refresh } from "../../_islands/refresh.tsx";
import { currentActor } from "../../_page/actor.ts";
import { shown } from "../../_page/shown.ts";
import { toAge, toMoment } from "../../_page/units.ts";
import { JobActions } from "../_parts/actions.tsx";
import { JobState } from "../_parts/state.tsx";
import { kindWords, placeOf, subjectOf } from "../_parts/words.ts";

export const metadata: Metadata = { title: "A job" };

const NONE = "00000000-0000-0000-0000-000000000000";

/** All that happened to one job, in order. */
export default async function JobPage({ params }: { readonly params: Promise<{ readonly subjectId: string }> }) {
  const actor = await currentActor();
  const job = await shown(getJobTimeline(actor, z.uuid().safeParse((await params).subjectId).data ?? NONE));
  const { name, href } = subjectOf(job);
  return (
    <>
      {(job.state === "queued" || job.state === "running") && <Refresh />}
      <p className="text-small">
        <a href="/jobs">Jobs</a>
      </p>
      <h1 className="mt-1 text-page [overflow-wrap:anywhere]">
        <span className="font-normal text-quiet">{kindWords[job.kind]}</span> <a href={href}>{name}</a>
      </h1>
      <div className="mt-3 flex flex-wrap items-start gap-x-8 gap-y-3">
        <div>
          <JobState job={job} />
        </div>
        <p className="text-quiet">
          {placeOf(job.position)} {job.attempt > 1 && `Begun ${job.attempt} times.`}
        </p>
        {actor.kind === "person" && <JobActions job={job} />}
      </div>
      <h2 className="mt-8 mb-3 text-title">What happened</h2>
      <ol className="space-y-3 border-l-2 border-line pl-5">
        {job.events.map(({ kind, attempt, message, at }, index) => (
          <li key={index} className="relative">
            <span aria-hidden className={`absolute top-2 -left-[26px] size-2.5 rounded-full ${kind === "failed" ? "bg-incompatible" : kind === "succeeded" ? "bg-verified" : "bg-edge"}`} />
            <p className="[overflow-wrap:anywhere]">{message}</p>
            <p className="text-small text-quiet">
              <time dateTime={at} title={toMoment(at)}>
                {at.slice(11, 19)} UTC, {toAge(at)}
              </time>
              {attempt > 0 && ` · attempt ${attempt}`}
            </p>
          </li>
        ))}
      </ol>
      <p className="mt-6 text-small text-quiet">
        Job <code>{job.subjectId}</code>, as a script reads it: <a href={`/api/v1/jobs/${job.subjectId}`}>JSON</a>
      </p>
    </>
  );
}
