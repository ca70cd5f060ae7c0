import { probeProvider, resolveProvider } from "#lib/onnx/provider.ts";
import { providers } from "#lib/onnx/providers.ts";
import { runtimeVersion } from "#lib/onnx/runtime.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { usualMemoryBudget } from "#lib/util/machine-memory.ts";
import type { ProbeJob, ResultOf, RuntimeChoice } from "./messages.ts";

/** What a job is run on. @throws provider_unavailable */
export const openRuntime = async ({ provider, threads }: RuntimeChoice): Promise<Runtime> => ({
  provider: await resolveProvider(provider),
  precision: "float32",
  threads,
});

/** Bytes that a job may take; null where networks lie in the memory of a graphics card, of which nothing is known. */
export const memoryFor = ({ memory }: RuntimeChoice, { provider }: Runtime): number | null =>
  provider === "cpu" ? (memory ?? usualMemoryBudget()) : null;

export async function probe(): Promise<ResultOf<ProbeJob>> {
  return { type: "probed", version: runtimeVersion(), probes: await Promise.all(providers.map(probeProvider)) };
}
