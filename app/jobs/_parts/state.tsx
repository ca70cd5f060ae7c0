import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { Progress } from "../../_ui/progress.tsx";
import { aheadOf, progressOf, stateWords } from "./words.ts";

const marks: Readonly<Record<JobItem["state"], { readonly glyph: string; readonly colour: string }>> = {
  queued: { glyph: "…", colour: "text-quiet" },
  running: { glyph: "◌", colour: "text-accent" },
  succeeded: { glyph: "✓", colour: "text-verified" },
  failed: { glyph: "!", colour: "text-incompatible" },
  cancelled: { glyph: "–", colour: "text-quiet" },
};

/** A word, a glyph and a colour; while it waits its place; while it runs how far it is; where it failed, why. */
export function JobState({ job }: { readonly job: JobItem }) {
  const { glyph, colour } = marks[job.state];
  const progress = job.state === "running" ? progressOf(job) : null;
  return (
    <>
      <span className={`inline-flex gap-1.5 font-medium whitespace-nowrap ${colour}`}>
        <span aria-hidden>{glyph}</span>
        {stateWords[job.state]}
      </span>
      {job.state === "queued" && job.ahead !== null && (
        <span className="text-small text-quiet"> · {aheadOf(job.ahead)}</span>
      )}
      {progress && (
        <span className="mt-1 block max-w-64">
          <Progress label={`How far: ${progress.words}`} value={progress.done} max={progress.total} />
          <span className="text-small text-quiet">{progress.words}</span>
        </span>
      )}
      {job.state === "failed" && job.problem && (
        <span className="block max-w-[64ch] text-small text-quiet [overflow-wrap:anywhere]">{job.problem}</span>
      )}
    </>
  );
}
