import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import type { Runtime } from "#lib/onnx/session.ts";
import { median } from "./interleave.ts";
import type { OpenTimes } from "./open-child.ts";
import { progress } from "./progress.ts";
import { readSubject, type Subject } from "./subject.ts";
import { table } from "./table.ts";

export interface OpenResult {
  readonly repeats: number;
  /** Medians, in milliseconds from the start of a fresh process. */
  readonly started: number;
  readonly headersRead: number;
  readonly opened: number;
  readonly firstStep: number;
  readonly residentMb: number;
}

/** From nothing to the first step, each time in a fresh process. The files are in the system's cache; the disk is not measured. */
export async function benchOpen(subject: Subject, repeats: number, runtime: Runtime): Promise<OpenResult> {
  await readSubject(subject.name); // so that random weights are there, and in the cache
  const runs: OpenTimes[] = [];
  for (let repeat = -1; repeat < repeats; repeat++) {
    const child = fork(fileURLToPath(new URL("open-child.ts", import.meta.url)), [subject.name, String(Date.now()), JSON.stringify(runtime)]);
    const [times] = (await once(child, "message")) as [OpenTimes];
    await once(child, "exit");
    if (repeat >= 0) runs.push(times);
    progress(`process ${repeat + 1} of ${repeats}`);
  }
  progress("");
  const of = (key: keyof OpenTimes): number => median(runs.map((run) => run[key]));
  return { repeats, started: of("started"), headersRead: of("headersRead"), opened: of("opened"), firstStep: of("firstStep"), residentMb: of("residentMb") };
}

export const showOpen = ({ repeats, started, headersRead, opened, firstStep, residentMb }: OpenResult): string =>
  table([
    ["from the start of a fresh process to", "ms median"],
    ["Node running our code", started.toFixed(0)],
    ["headers read", headersRead.toFixed(0)],
    ["UNet and guide open", opened.toFixed(0)],
    ["first step done", firstStep.toFixed(0)],
  ]) + `\n\nResident memory after it: ${residentMb.toFixed(0)} MB. ${repeats} processes, files in the system's cache.`;
