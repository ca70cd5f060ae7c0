import type { PairView } from "#lib/catalog/pairs/schema.ts";
import { toDuration } from "../../_page/units.ts";
import { Button, ButtonLink } from "../../_ui/button.tsx";
import { Notice } from "../../_ui/notice.tsx";
import { Progress } from "../../_ui/progress.tsx";
import { labelOf } from "./label.ts";

/** What can be done with a pair, by whom. */
export function Actions({ pair, isSignedIn }: { readonly pair: PairView; readonly isSignedIn: boolean }) {
  const { id, finetune, guide } = pair;
  const label = labelOf(pair);
  return (
    <div className="mt-4 flex flex-wrap gap-3">
      <ButtonLink look="primary" href={`/preview?finetune=${finetune.repo}&guide=${guide.repo}`}>
        Preview this pair
      </ButtonLink>
      {label !== null &&
        (isSignedIn ? (
          <form method="post" action="/pairs/measure">
            <input type="hidden" name="finetune" value={finetune.repo} />
            <input type="hidden" name="guide" value={guide.repo} />
            <Button type="submit">{label}</Button>
          </form>
        ) : (
          <ButtonLink href={`/sign-in?next=/pairs/${id}`}>
            Sign in to {label[0]!.toLowerCase()}
            {label.slice(1)}
          </ButtonLink>
        ))}
      <ButtonLink href={`/api/v1/pairs/${id}?raw=true`}>Raw JSON</ButtonLink>
    </div>
  );
}

const stageNames: Readonly<Record<string, string>> = {
  opening: "opening the networks",
  lineage: "comparing weights with the base",
  style: "finding out how well the model's style is read",
  agreement: "comparing single steps with CFG",
  pictures: "drawing pictures and reading them",
};

/** Where a measurement is, and for who may the way to stop it. */
export function Moving({
  pair: { id, state, queue, progress },
  mayCancel,
}: {
  readonly pair: PairView;
  readonly mayCancel: boolean;
}) {
  const words =
    state === "running"
      ? progress
        ? `Now ${stageNames[progress.stage] ?? progress.stage}: ${progress.done} of ${progress.total}.`
        : "It has begun."
      : placeOf(queue);
  return (
    <section aria-label="Progress" className="mt-6 max-w-[56ch] rounded border border-line bg-raised p-4">
      <p role="status">{words}</p>
      {state === "running" && (
        <div className="mt-3">
          <Progress label="Measured" value={progress?.done ?? null} max={progress?.total ?? null} />
        </div>
      )}
      {mayCancel && (
        <form method="post" action={`/pairs/${id}/cancel`} className="mt-3">
          <input type="hidden" name="id" value={id} />
          <Button type="submit">Cancel measuring</Button>
        </form>
      )}
      <p className="mt-3 text-small text-quiet">
        You may close this page; the measurement goes on without it. <a href={`/jobs/${id}`}>What happened so far</a>
      </p>
    </section>
  );
}

function placeOf(queue: PairView["queue"]): string {
  if (queue === null) return "It is about to begin.";
  if (queue.workers === 0) return "No worker is online. Nothing is lost: it begins as soon as one is.";
  if (queue.problem !== null) return queue.problem;
  const place =
    queue.ahead === 0
      ? "It is next in the queue"
      : `${queue.ahead === 1 ? "One job is" : `${queue.ahead} jobs are`} before it`;
  return `${place}${queue.seconds ? `; it begins in about ${toDuration(Math.max(10, queue.seconds))}` : ""}.`;
}

/** What keeps the numbers below from being the last word. */
export function Caution({ pair: { state, stale }, newer }: { readonly pair: PairView; readonly newer: string | null }) {
  if (stale === null && newer === null && state !== "failed") return null;
  return (
    <div className="mt-6 max-w-[72ch] space-y-3">
      {state === "failed" && (
        <Notice kind="bad">
          Nothing was kept of this attempt; what earlier looks found is below. The button tries it once more; it fails
          again if the files are the reason.
        </Notice>
      )}
      {stale !== null && (
        <Notice kind="careful">
          Everything below is of when it was measured, and names the files that it is about.{" "}
          {newer === null ? (
            "“Measure again” measures what there is today."
          ) : (
            <a href={`/pairs/${newer}`}>See what was measured since</a>
          )}
        </Notice>
      )}
      {stale === null && newer !== null && (
        <Notice>
          Another measurement of this pair says more of today. <a href={`/pairs/${newer}`}>See that one</a>
        </Notice>
      )}
    </div>
  );
}
