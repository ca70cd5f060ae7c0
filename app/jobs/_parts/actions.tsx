import type { JobItem } from "#lib/catalog/jobs/schema.ts";
import { Button } from "../../_ui/button.tsx";

/** What can be done about a job, for who may. */
export function JobActions({ job: { subjectId, kind, state } }: { readonly job: JobItem }) {
  const isOpen = state === "queued" || state === "running";
  const action = isOpen ? (kind === "inspect" ? null : "cancel") : (state === "failed" || state === "cancelled") && kind !== "hash" ? "rerun" : null;
  if (!action) return null;
  return (
    <form method="post" action={`/jobs/${subjectId}/${action}`}>
      <Button type="submit">{action === "cancel" ? "Cancel" : "Run it again"}</Button>
    </form>
  );
}
