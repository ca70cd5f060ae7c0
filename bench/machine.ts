import { cpus, loadavg, totalmem } from "node:os";
import { runtimeName, runtimeVersion } from "#lib/onnx/runtime.ts";

export interface Machine {
  readonly processor: string;
  readonly cores: number;
  readonly memoryGb: number;
  readonly threads: number;
  readonly node: string;
  readonly runtime: string;
  /** How busy it was before the run: figures from a busy machine say little. */
  readonly loadBefore: number;
}

export const describeMachine = (threads: number): Machine => ({
  processor: cpus()[0]?.model.trim() ?? "unknown",
  cores: cpus().length,
  memoryGb: Math.round(totalmem() / 1e9),
  threads,
  node: process.version,
  runtime: `${runtimeName} ${runtimeVersion()}`,
  loadBefore: Math.round(100 * loadavg()[0]!) / 100,
});
