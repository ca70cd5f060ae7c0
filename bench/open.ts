import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { median } from "./interleave.ts";
import type { OpenTimes } from "./open-child.ts";
import { progress } from "./progress.ts";
import type { Subject, SubjectName } from "./subject.ts";
import { table } from "./table.ts";

interface Spread {
  readonly min: number;
  readonly median: number;
}

/** Milliseconds from the start of a fresh process, and what it holds of memory at the end. */
export type OpenResult = { readonly repeats: number } & Readonly<Record<keyof OpenTimes, Spread>>;

/** From nothing to the first step, each time in a fresh process. The first is not counted: it brings the files into the system's cache. */
export async function benchOpen({ name }: Subject, repeats: number, runtime: Runtime): Promise<OpenResult> {
  const runs: OpenTimes[] = [];
  for (let repeat = -1; repeat < repeats; repeat++) {
    const times = await openOnce(name, runtime);
    if (repeat >= 0) runs.push(times);
    progress(`process ${repeat + 1} of ${repeats}`);
  }
  progress("");
  const of = (key: keyof OpenTimes): Spread => {
    const values = runs.map((run) => run[key]);
    return { min: Math.min(...values), median: median(values) };
  };
  return {
    repeats,
    started: of("started"),
    headersRead: of("headersRead"),
    opened: of("opened"),
    firstStep: of("firstStep"),
    residentMb: of("residentMb"),
  };
}

async function openOnce(name: SubjectName, runtime: Runtime): Promise<OpenTimes> {
  const child = fork(fileURLToPath(new URL("open-child.ts", import.meta.url)), [
    name,
    String(Date.now()),
    JSON.stringify(runtime),
  ]);
  const gone = once(child, "exit");
  const times = await new Promise<OpenTimes>((resolve, reject) => {
    child.once("message", (message) => resolve(message as OpenTimes));
    // The channel closes after the last message, so this comes first only where there was none.
    child.once("disconnect", () =>
      reject(
        new AppError(
          "inference_died",
          `The process that opens ${name} ended before its first step; most often memory ran out, so close other programs.`,
        ),
      ),
    );
  });
  await gone;
  return times;
}

export function showOpen({ repeats, residentMb, ...times }: OpenResult): string {
  const row = (what: string, { min, median }: Spread): string[] => [what, min.toFixed(0), median.toFixed(0)];
  const rows = [
    ["from the start of a fresh process to", "ms min", "median"],
    row("Node running our code", times.started),
    row("headers read", times.headersRead),
    row("UNet and guide open", times.opened),
    row("first step done", times.firstStep),
  ];
  return `${table(rows)}\n\nResident memory after it: ${residentMb.median.toFixed(0)} MB. ${repeats} processes, files in the system's cache.`;
}
