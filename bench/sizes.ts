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

/** One network of a model at one size of picture, in a process of its own. */
export interface SizesCase {
  readonly what: "UNet step" | "VAE decode" | "VAE decode, tiled";
  readonly pixels: number;
}

/** Seconds, and the most memory that the process held (VmHWM), in bytes. */
export interface SizesFigures {
  readonly open: number;
  readonly runs: readonly number[];
  readonly peak: number;
}

export interface SizesRow extends SizesCase {
  readonly open: number;
  readonly run: Spread;
  readonly peak: number;
}

const cases: readonly SizesCase[] = [512, 1024].flatMap((pixels) =>
  (["UNet step", "VAE decode", "VAE decode, tiled"] as const).map((what) => ({ what, pixels })),
);

/** A UNet step and a VAE decode of SDXL's size at 512 and 1024 pixels. */
export async function benchSizes(rounds: number, runtime: Runtime): Promise<SizesRow[]> {
  await writeSdxl();
  const rows: SizesRow[] = [];
  for (const one of cases) {
    progress(`${one.what}, ${one.pixels} px`);
    const { open, runs, peak } = await measure(one, rounds, runtime);
    rows.push({ ...one, open, run: spreadOf(runs), peak });
  }
  progress("");
  return rows;
}

async function measure(one: SizesCase, rounds: number, runtime: Runtime): Promise<SizesFigures> {
  const script = fileURLToPath(new URL("sizes-child.ts", import.meta.url));
  const env = { ...process.env, ...allocatorSettings };
  const child = fork(script, [sdxlPath, JSON.stringify(one), String(rounds), JSON.stringify(runtime)], { env });
  const ended = once(child, "exit");
  const figures = await Promise.race([
    once(child, "message").then(([message]) => message as SizesFigures),
    ended.then(() => null),
  ]);
  await ended;
  if (figures) return figures;
  const sentence = `The process of the ${one.what} at ${one.pixels} px ended early`;
  throw new AppError("inference_died", `${sentence}; most often memory ran out, so close other programs.`);
}

export function showSizes(rows: readonly SizesRow[]): string {
  const cells = rows.map(({ what, pixels, open, run, peak }) => [
    `${what}, ${pixels} px`,
    open.toFixed(1),
    spread(run, 1),
    (peak / 1e9).toFixed(1),
  ]);
  return table([["SDXL's size", "open s", "run s", "peak GB"], ...cells]);
}
