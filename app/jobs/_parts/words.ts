import type { JobItem, JobTimeline } from "#lib/catalog/jobs/schema.ts";
import { toCount, toDuration } from "../../_page/units.ts";
import { modeNames, modes } from "../../_ui/mode.tsx";

/** What kind of work it is. */
export const kindWords: Readonly<Record<JobItem["kind"], string>> = {
  hash: "Upload check",
  inspect: "Inspection",
  check: "Measurement",
  preview: "Preview",
  curve: "Comparison of ways",
  envelope: "Best settings",
  distill: "Distillation",
};

export const stateWords: Readonly<Record<JobItem["state"], string>> = {
  queued: "waiting",
  running: "running",
  succeeded: "done",
  failed: "failed",
  cancelled: "cancelled",
};

const stageWords: Readonly<Record<string, string>> = {
  opening: "opening the networks",
  denoising: "step",
  decoding: "decoding, step",
  lineage: "comparing the weights",
  style: "how well the style is read, pass",
  agreement: "guide against CFG, sample",
  pictures: "drawing and judging, picture",
  curve: "drawing in other ways, step",
  envelope: "drawing at other settings, step",
  states: "drawing what to learn from, state",
  training: "training, step",
  "held-out": "looking at prompts that are held out, pass",
};

/** What a job is about, and where that is seen. */
export function subjectOf({ kind, subjectId, repo, guide, path, pair }: JobItem): {
  readonly name: string;
  readonly href: string;
} {
  if (kind === "check" || kind === "curve" || kind === "envelope")
    return { name: `${guide} on ${repo}`, href: `/pairs/${pair ?? subjectId}` };
  if (kind === "distill") return { name: `${guide} of ${repo}`, href: `/distillations/${subjectId}` };
  if (kind === "preview") return { name: guide ? `${repo} with ${guide}` : repo, href: `/previews/${subjectId}` };
  return { name: path ? `${repo}: ${path}` : repo, href: `/${repo}` };
}

/** How far it is, where it says so: “drawing and judging, picture 12 of 48”, “guide, step 3 of 20”. */
export function progressOf({
  progress,
}: Pick<JobItem, "progress">): { readonly words: string; readonly done: number; readonly total: number } | null {
  const said = (progress ?? {}) as {
    stage?: unknown;
    done?: unknown;
    total?: unknown;
    mode?: unknown;
    step?: unknown;
    steps?: unknown;
  };
  const [done, total] = [said.done ?? said.step, said.total ?? said.steps];
  if (typeof done !== "number" || typeof total !== "number") return null;
  const stage = typeof said.stage === "string" ? `${stageWords[said.stage] ?? said.stage} ` : "";
  const mode = modes.find((one) => one === said.mode);
  return {
    words:
      said.stage === "opening"
        ? stage.trimEnd()
        : `${mode ? `${modeNames[mode]}, ` : ""}${stage}${toCount(done)} of ${toCount(total)}`,
    done,
    total,
  };
}

/** “next in the queue” or “12 ahead in the queue”, while it waits. */
export const aheadOf = (ahead: number): string =>
  ahead === 0 ? "next in the queue" : `${toCount(ahead)} ahead in the queue`;

/** Its place while it waits. */
export function placeOf(position: JobTimeline["position"]): string {
  if (!position) return "";
  if (position.workers === 0) return "No worker is online; it begins as soon as one is.";
  const { ahead, seconds, problem } = position;
  if (problem !== null) return problem;
  return `${ahead === 0 ? "It is next in the queue" : aheadOf(ahead)}${seconds === null ? "" : seconds === 0 ? ", and begins in a moment" : `; it begins in about ${toDuration(seconds)}`}.`;
}

/** How long the last attempt waited, in seconds, and how long it took or has been taking. Null where it has not come so far. */
export function spansOf(
  events: JobTimeline["events"],
  now = Date.now(),
): { readonly waited: number | null; readonly took: number | null } {
  const asked = events.findLastIndex(({ kind }) => kind === "queued");
  const since = events.slice(Math.max(0, asked));
  const started = since.findLast(({ kind }) => kind === "started");
  const ended = since.findLast(({ kind }) => kind === "succeeded" || kind === "failed" || kind === "cancelled");
  const seconds = (from: string, to: number): number => Math.max(0, (to - Date.parse(from)) / 1000);
  const waitedUntil = started?.at ?? ended?.at;
  return {
    waited: asked === -1 ? null : seconds(since[0]!.at, waitedUntil === undefined ? now : Date.parse(waitedUntil)),
    took: started ? seconds(started.at, ended === undefined ? now : Date.parse(ended.at)) : null,
  };
}
