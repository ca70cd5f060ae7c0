import { envelopeOfPair } from "#lib/measure/pair-envelope.ts";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";
import type { EnvelopeJob, Report, ResultOf } from "./messages.ts";
import { memoryFor, openRuntime } from "./runtime.ts";

/** Finds where a guide is at its best on a model, with progress between passes. */
export async function envelope(job: EnvelopeJob, report: Report): Promise<ResultOf<EnvelopeJob>> {
  const runtime = await openRuntime(job.runtime);
  const request = { ...job, ...job.choice, memory: memoryFor(job.runtime, runtime) };
  const found = await envelopeOfPair(request, runtime, (done, total) => report({ stage: "envelope", done, total }));
  return { type: "envelope", ...found, runtime: { name: runtimeName, version: runtimeVersion(), ...runtime } };
}
