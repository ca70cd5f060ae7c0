import type { DistillationView } from "#lib/catalog/distillations/schema.ts";
import { aheadOf } from "../../jobs/_parts/words.ts";
import { toCount, toDuration } from "../../_page/units.ts";
import { Progress } from "../../_ui/progress.tsx";
import { progressSentence } from "../_parts/words.ts";

/** Where it stands, in a sentence or two for each state. */
export function Standing({ one }: { readonly one: DistillationView }) {
  const { state, progress, problem, guide, looks } = one;
  switch (state) {
    case "queued":
      return (
        <p role="status" className="mt-2">
          {waits(one)}
          {kept(one, " It goes on")}
        </p>
      );
    case "running":
      return (
        <div className="mt-2">
          <p role="status">{progress ? progressSentence(progress) : "A worker has begun, and reads the base."}</p>
          <div className="mt-2 max-w-[44ch]">
            <Progress label="How far" value={progress?.done ?? null} max={progress?.total ?? null} />
          </div>
          <p className="mt-2 text-small text-quiet">
            {progress && progress.secondsLeft !== null && `About ${toDuration(Math.max(1, progress.secondsLeft))} left`}
            {progress &&
              progress.stepsPerSecond !== null &&
              `, ${progress.stepsPerSecond.toPrecision(2)} steps a second`}
            {progress && progress.secondsLeft !== null && ". "}
            You may close this page; it goes on without it.
          </p>
        </div>
      );
    case "paused":
      return <p className="mt-2">Nobody works on it until it is resumed.{kept(one, " Then it goes on")}</p>;
    case "failed":
      return (
        <p role="alert" className="mt-2 [overflow-wrap:anywhere]">
          {problem}
          {kept(one, " Resumed, it goes on")}
        </p>
      );
    case "cancelled":
      return <p className="mt-2">It was cancelled, and its checkpoint is gone; it can begin anew.</p>;
    case "succeeded": {
      const last = looks.at(-1);
      return (
        <p className="mt-2 [overflow-wrap:anywhere]">
          The guide is published in <a href={`/${guide.repo}`}>{guide.repo}</a>, where it is measured on its base and on
          every fine-tune of it.
          {last &&
            ` Of a single step it delivers ${percent(last.delivered)} of what CFG adds; what its pictures are worth, those measurements say.`}
        </p>
      );
    }
  }
}

function waits({ queue }: DistillationView): string {
  if (!queue) return "It waits for its turn.";
  if (queue.workers === 0) return "No worker is online; it begins as soon as one is.";
  if (queue.problem !== null) return queue.problem;
  return `It waits for its turn: ${aheadOf(queue.ahead)}.`;
}

const kept = ({ keptSteps, choice }: DistillationView, then: string): string =>
  keptSteps === null || keptSteps === 0 ? "" : `${then} after step ${toCount(keptSteps)} of ${toCount(choice.steps)}.`;

const percent = (share: number): string => `${Math.round(100 * share)}%`;
