import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import type { Estimate } from "#lib/pairing/evidence.ts";
import type { DistillFigures, DistillTask } from "./distill-child.ts";
import { median, ratio } from "./interleave.ts";
import type { Subject, SubjectName } from "./subject.ts";
import { estimate, milliseconds, table } from "./table.ts";

/** How a guide of each model trains: what a run on it needs, in steps. */
const runs: Readonly<Record<SubjectName, { batch: number; recompute: boolean; steps: number; stepsAreOf: number }>> = {
  starter: { batch: 32, recompute: false, steps: 1500, stepsAreOf: 32 },
  // 5 000 updates of 64, made of batches of one: those of the method's published runs.
  sd15: { batch: 1, recompute: true, steps: 5000, stepsAreOf: 64 },
};

export interface DistillResult extends Omit<DistillFigures, "stepMs"> {
  readonly rounds: number;
  readonly batch: number;
  readonly recompute: boolean;
  readonly stepMs: number;
  readonly stepsPerSecond: number;
  readonly gigaflops: number;
  /** The step's floating-point operations per second as a share of the best matrix product's, in the same round. */
  readonly ofMatmul: Estimate;
  readonly projectedHours: number;
  /** Most memory held, in float32 weights of base and guide. */
  readonly memoryInWeights: number;
}

/** Training steps of the subject's guide, in a process of its own whose peak is what training takes. Linux only. */
export async function benchDistill({ name }: Subject, rounds: number, runtime: Runtime): Promise<DistillResult> {
  const { batch, recompute, steps, stepsAreOf } = runs[name];
  const figures = await measure(name, { batch, recompute, rounds, runtime });
  const stepMs = median(figures.stepMs);
  const speeds = figures.stepMs.map((ms) => figures.stepFlops / ms / 1e6);
  const products = figures.productMs.map((ms) => figures.productFlops / ms / 1e6);
  return {
    ...figures,
    rounds,
    batch,
    recompute,
    stepMs,
    stepsPerSecond: 1000 / stepMs,
    gigaflops: median(speeds),
    ofMatmul: ratio(speeds, products),
    projectedHours: (steps * (stepsAreOf / batch) * stepMs) / 3.6e6,
    memoryInWeights: figures.peakBytes / figures.weightBytes,
  };
}

async function measure(name: SubjectName, task: DistillTask): Promise<DistillFigures> {
  const child = fork(fileURLToPath(new URL("distill-child.ts", import.meta.url)), [name, JSON.stringify(task)]);
  const gone = once(child, "exit");
  const figures = await new Promise<DistillFigures>((resolve, reject) => {
    child.once("message", (message) => resolve(message as DistillFigures));
    child.once("disconnect", () =>
      reject(
        new AppError(
          "inference_died",
          `The process that trains beside ${name} ended before its last step; most often memory ran out, so close other programs.`,
        ),
      ),
    );
  });
  await gone;
  return figures;
}

export function showDistill(result: DistillResult): string {
  const { batch, recompute, stepMs, stepsPerSecond, gigaflops, ofMatmul, projectedHours, shares, rounds } = result;
  const rows = [
    [`a step of ${batch}${recompute ? ", blocks computed twice" : ""}`, ""],
    ["ms, median", milliseconds(stepMs)],
    ["steps/s", stepsPerSecond.toPrecision(3)],
    ["GFLOP/s", gigaflops.toFixed(0)],
    ["hours for a whole run", projectedHours.toPrecision(2)],
    ["seconds to open", (result.openMs / 1000).toFixed(1)],
    ["GB held at most", (result.peakBytes / 1e9).toFixed(2)],
    ["… in float32 weights of base and guide", result.memoryInWeights.toFixed(2)],
    ["ms a step to copy the state out of the runtime", milliseconds(result.copyMs)],
    ...shares.map(({ what, share }) => [`share of ${what}`, `${(100 * share).toFixed(1)}%`]),
  ];
  return `${table(rows)}\n\nThe step's speed is ${estimate(ofMatmul)} of the best matrix product's; ${rounds} rounds, interleaved.`;
}
