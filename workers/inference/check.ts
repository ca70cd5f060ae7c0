import { checkPair } from "#lib/measure/pair-check.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/session.ts";
import type { CheckJob, Report, ResultOf } from "./messages.ts";

/** Measures a pair, with progress between passes. */
export async function check(job: CheckJob, report: Report): Promise<ResultOf<CheckJob>> {
  const result = await checkPair({ ...job, ...job.choice }, job.runtime, (stage, done, total) =>
    report({ stage, done, total }),
  );
  return { type: "checked", report: result, runtime: { name: runtimeName, version: runtimeVersion(), ...job.runtime } };
}
