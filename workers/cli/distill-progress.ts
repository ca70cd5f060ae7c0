import type { Plan } from "#lib/distill/plan-schema.ts";
import type { Progress } from "#workers/inference/messages.ts";
import { planLines, showSeconds } from "./distill-lines.ts";
import type { ProgressLine } from "./progress.ts";

/** Where nothing rewrites a line, one comes so often. */
const QUIET_MS = 60_000;
const WIDTH = 24;

/** The cost before it begins; then one line that rewrites itself, or in a log a line a minute. Of a program only a terminal hears. */
export function distillProgress(json: boolean): ProgressLine {
  const { stderr } = process;
  let isShown = false;
  let saidAt = -Infinity;
  const clear = (): void => {
    if (isShown) stderr.write("\r\u001b[2K");
    isShown = false;
  };
  const sayPlan = (plan: Plan): void => {
    clear();
    if (!json || stderr.isTTY) stderr.write(`${planLines(plan).join("\n")}\n\n`);
  };
  return {
    show(progress) {
      if (progress.distilling?.plan) return sayPlan(progress.distilling.plan);
      const line = lineOf(progress);
      if (stderr.isTTY) {
        stderr.write(`\r\u001b[2K${line}`);
        isShown = true;
      } else if (!json && performance.now() - saidAt >= QUIET_MS) {
        stderr.write(`${line}\n`);
        saidAt = performance.now();
      }
    },
    clear,
  };
}

function lineOf({ stage, done, total, distilling }: Omit<Progress, "type">): string {
  const filled = Math.round((WIDTH * done) / total);
  const { secondsLeft = null, figures } = distilling ?? {};
  return [
    `${stage} ${"━".repeat(filled)}${"─".repeat(WIDTH - filled)} ${done}/${total}`,
    ...(figures ? [`${figures.stepsPerSecond.toFixed(2)} steps/s`] : []),
    ...(secondsLeft === null ? [] : [`${showSeconds(secondsLeft)} left`]),
    ...(figures ? [`loss ${figures.loss.toFixed(4)}`] : []),
    ...(figures && figures.fvu !== null ? [`unexplained ${figures.fvu.toFixed(3)}`] : []),
    ...(figures && figures.delivered !== null ? [`delivered ${figures.delivered.toFixed(3)}`] : []),
  ].join("  ");
}
