import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { JobActions } from "./actions.tsx";
import { JobState } from "./state.tsx";
import { kindWords, subjectOf } from "./words.ts";
import { When } from "../../_ui/when.tsx";

/** One line of the list; on a phone three. */
export function JobRow({ job, mayAct }: { readonly job: JobItem; readonly mayAct: boolean }) {
  const { name, href } = subjectOf(job);
  return (
    <li
      data-row
      className="grid grid-cols-[1fr_auto] gap-x-4 gap-y-1 border-b border-line py-2.5 focus-within:bg-raised sm:grid-cols-[9rem_minmax(0,1fr)_8rem] lg:grid-cols-[9rem_minmax(0,5fr)_minmax(0,4fr)_8rem]"
    >
      <a href={`/jobs/${job.subjectId}`} className="whitespace-nowrap">
        {kindWords[job.kind]}
      </a>
      <a href={href} className="text-ink [overflow-wrap:anywhere] max-sm:col-span-2 max-sm:row-start-2">
        {name}
      </a>
      <When at={job.createdAt} className="text-right text-small leading-6 whitespace-nowrap text-quiet lg:order-last" />
      <div className="flex items-start justify-between gap-3 max-lg:col-span-2 sm:max-lg:col-start-2">
        <div className="min-w-0 flex-1">
          <JobState job={job} />
        </div>
        {mayAct && <JobActions job={job} />}
      </div>
    </li>
  );
}
