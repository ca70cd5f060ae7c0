import type { JobItem, JobTimeline } from "#lib/catalog/jobs/schema.ts";
import { toDuration } from "../../_page/units.ts";

/** What a worker does, in words. */
export const kindWords: Readonly<Record<JobItem["kind"], string>> = { hash: "reads an upload", inspect: "inspects", check: "measures", preview: "draws" };

export const stateWords: Readonly<Record<JobItem["state"], string>> = { queued: "waiting", running: "running", succeeded: "done", failed: "failed", cancelled: "cancelled" };

/** What a job is about, and where that is seen. */
export function subjectOf({ kind, subjectId, repo, guide, path }: JobItem): { readonly name: string; readonly href: string } {
  if (kind === "check") return { name: `${guide} on ${repo}`, href: `/pairs/${subjectId}` };
  if (kind === "preview") return { name: guide ? `${repo} with ${guide}` : repo, href: `/previews/${subjectId}` };
  return { name: path ? `${repo}: ${path}` : repo, href: `/${repo}` };
}

/** How far it is, where it says so: «drawing pictures, 12 of 48». */
export function progressOf({ progress }: JobItem): { readonly words: string; readonly done: number; readonly total: number } | null {
  const said = (progress ?? {}) as { stage?: unknown; done?: unknown; total?: unknown; step?: unknown; steps?: unknown };
  const [done, total] = [said.done ?? said.step, said.total ?? said.steps];
  return typeof done === "number" && typeof total === "number" ? { words: `${typeof said.stage === "string" ? `${said.stage}, ` : ""}${done} of ${total}`, done, total } : null;
}

/** Its place while it waits. */
export function placeOf(position: JobTimeline["position"]): string {
  if (!position) return "";
  if (position.workers === 0) return "No worker is online; it begins as soon as one is.";
  const before = position.ahead === 0 ? "It is next" : `${position.ahead} before it`;
  return `${before}${position.seconds === null ? "" : `, about ${toDuration(position.seconds)}`}.`;
}
