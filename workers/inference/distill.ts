import { basename } from "node:path";
import { distill as makeGuide } from "#lib/distill/distill.ts";
import { openTrainingStep } from "#lib/distill/step/training-step.ts";
import { AppError } from "#lib/errors.ts";
import { inspectPath } from "#lib/inspection/inspect-path.ts";
import type { DistillJob, Report, ResultOf } from "./messages.ts";
import { memoryFor, openRuntime } from "./runtime.ts";

/** Makes a guide of a base, with progress after each pass and step. */
export async function distill(job: DistillJob, report: Report): Promise<ResultOf<DistillJob>> {
  const runtime = await openRuntime(job.runtime);
  if (job.model !== null) await requireBase(job.model);
  const request = { ...job, memory: memoryFor(job.runtime, runtime) };
  const record = await makeGuide(request, runtime, openTrainingStep, ({ stage, done, total, ...distilling }) =>
    report({ stage, done, total, distilling }),
  );
  return { type: "distilled", record };
}

/** What is mistaken for a base more often than anything else is told what it is; the rest is refused where it is read. */
async function requireBase(path: string): Promise<void> {
  const { kind } = await inspectPath(path);
  const name = basename(path);
  if (kind === "low-rank fine-tune")
    throw new AppError(
      "unsupported_model",
      `${name} is a low-rank fine-tune, which changes a base and draws nothing by itself; distil its base, and see with guidepost check --lora what the guide is worth on both.`,
    );
  if (kind === "guide")
    throw new AppError("unsupported_model", `${name} is a guide already; give the base that a guide is to be made of.`);
}
