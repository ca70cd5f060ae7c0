import { readFileSync } from "node:fs";

/** The most that a process has held in memory (VmHWM), in bytes; Linux only. */
export const peakMemory = (pid: number | "self" = "self"): number =>
  1024 * Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8"))![1]);
