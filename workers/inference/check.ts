import { checkPair } from "#lib/measure/pair-check.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import type { CheckJob, Report, ResultOf } from "./messages.ts";
import { memoryFor, openRuntime } from "./runtime.ts";

/** Measures a pair, with progress between passes. */
export async function check(job: CheckJob, report: Report): Promise<ResultOf<CheckJob>> {
  const runtime = await openRuntime(job.runtime);
  const request = { ...job, ...job.choice, memory: memoryFor(job.runtime, runtime) };
  const result = await checkPair(request, runtime, (stage, done, total) => report({ stage, done, total }));
  return { type: "checked", report: result, runtime: { name: runtimeName, version: runtimeVersion(), ...runtime } };
}
