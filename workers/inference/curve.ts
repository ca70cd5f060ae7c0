import { curveOfPair } from "#lib/measure/pair-curve.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import type { CurveJob, Report, ResultOf } from "./messages.ts";
import { memoryFor, openRuntime } from "./runtime.ts";

/** Measures what else could be done with a guide's passes, with progress between passes. */
export async function curve(job: CurveJob, report: Report): Promise<ResultOf<CurveJob>> {
  const runtime = await openRuntime(job.runtime);
  const request = { ...job, ...job.choice, memory: memoryFor(job.runtime, runtime) };
  const found = await curveOfPair(request, runtime, (done, total) => report({ stage: "curve", done, total }));
  return { type: "curve", ...found, runtime: { name: runtimeName, version: runtimeVersion(), ...runtime } };
}
