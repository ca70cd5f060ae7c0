import { fork } from "node:child_process";
import { once } from "node:events";
import { fileURLToPath } from "node:url";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { allocatorSettings } from "#workers/inference/allocator-settings.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { sdxlPath, writeSdxl } from "./synthetic-sdxl.ts";
import { table } from "./table.ts";

/** Of a fresh process: seconds, and the most memory it held (VmHWM) by then, in bytes. */
export interface OpenSingleFigures {
  /** From the first look at the file until all its networks are open. */
  readonly open: number;
  /** The first step of the UNet. */
  readonly step: number;
  readonly openedPeak: number;
  readonly peak: number;
}

export interface OpenSingleResult {
  readonly rounds: number;
  readonly side: number;
  readonly open: Spread;
  readonly step: Spread;
  readonly openedPeak: number;
  readonly peak: number;
}

const SIDE = 64;

/** Opens text encoders, UNet and VAE of a single file of 6.9 GB, and takes a step; each time in a fresh process. */
export async function benchOpenSingle(rounds: number, runtime: Runtime): Promise<OpenSingleResult> {
  await writeSdxl();
  const runs: OpenSingleFigures[] = [];
  for (let round = 0; round < rounds; round++) {
    progress(`process ${round + 1} of ${rounds}`);
    runs.push(await openSingleOnce(sdxlPath, SIDE, runtime));
  }
  progress("");
  return {
    rounds,
    side: SIDE,
    open: spreadOf(runs.map(({ open }) => open)),
    step: spreadOf(runs.map(({ step }) => step)),
    openedPeak: Math.max(...runs.map(({ openedPeak }) => openedPeak)),
    peak: Math.max(...runs.map(({ peak }) => peak)),
  };
}

export async function openSingleOnce(path: string, side: number, runtime: Runtime): Promise<OpenSingleFigures> {
  const script = fileURLToPath(new URL("open-single-child.ts", import.meta.url));
  const env = { ...process.env, ...allocatorSettings };
  const child = fork(script, [path, String(side), JSON.stringify(runtime)], { env });
  const ended = once(child, "exit");
  const figures = await Promise.race([
    once(child, "message").then(([message]) => message as OpenSingleFigures),
    ended.then(() => null),
  ]);
  await ended;
  if (figures) return figures;
  throw new AppError(
    "inference_died",
    `The process that opens ${path} ended before its first step; most often memory ran out, so close other programs.`,
  );
}

export function showOpenSingle({ rounds, side, open, step, openedPeak, peak }: OpenSingleResult): string {
  const gigabytes = (bytes: number): string => (bytes / 1e9).toFixed(1);
  return `${table([
    ["single file of SDXL's size, 6.9 GB in half precision", "seconds", "peak GB"],
    ["all networks open", spread(open, 1), gigabytes(openedPeak)],
    [`first UNet step, latents of ${side} × ${side}`, spread(step, 1), gigabytes(peak)],
  ])}\n\n${rounds} processes, median (range).`;
}
