import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { isUnfinished } from "#lib/queue/unfinished.ts";
import { Button } from "../../_ui/button.tsx";
import { subjectOf } from "./words.ts";

/** What a person who is signed in can do about a job. A measurement or a preview anybody may ask for again. */
export function JobActions({ job }: { readonly job: JobItem }) {
  const action = actionOn(job);
  if (!action) return null;
  const label = action === "cancel" ? "Cancel" : "Run it again";
  return (
    <form method="post" action={`/jobs/${job.subjectId}/${action}`}>
      <Button type="submit" size="small" className="whitespace-nowrap" aria-label={`${label}: ${subjectOf(job).name}`}>
        {label}
      </Button>
    </form>
  );
}

function actionOn({ kind, state, mayChange }: JobItem): "cancel" | "rerun" | null {
  if (isUnfinished({ state })) return mayChange && kind !== "inspect" ? "cancel" : null;
  if (state === "succeeded" || kind === "hash") return null;
  return mayChange || kind === "check" || kind === "curve" || kind === "envelope" ? "rerun" : null;
}
