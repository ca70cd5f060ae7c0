import { execFile } from "node:child_process";
import { cp, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, relative } from "node:path";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { freePort } from "../tests/support/free-port.ts";
import { startHub } from "../tests/support/running-hub.ts";
import { progress } from "./progress.ts";
import { type Spread, spread, spreadOf } from "./spread.ts";
import { table } from "./table.ts";

/** Seconds to the line “Ready at”. */
export interface StartResult {
  readonly rounds: number;
  /** Of a checkout with its dependencies and nothing else: the pages are built. */
  readonly building: number;
  /** With an empty data folder. */
  readonly first: Spread;
  /** On the data folder that the first left. */
  readonly second: Spread;
}

const root = fileURLToPath(new URL("..", import.meta.url));
const made = new Set(["node_modules", ".next", ".git", "data", "bench/out", "lib/db/generated"]);

/** Starts of a copy of this checkout, so that what is built here stays. */
export async function benchStart(rounds: number): Promise<StartResult> {
  const place = await mkdtemp(join(tmpdir(), "guidepost-bench-"));
  const checkout = join(place, "checkout");
  const port = await freePort();
  try {
    await copyCheckout(checkout);
    const door = join(checkout, "guidepost.js");
    const start = async (what: string, folder: string): Promise<number> => {
      progress(what);
      const began = performance.now();
      const hub = await startHub({ folder, port, door });
      const seconds = (performance.now() - began) / 1000;
      await hub.stop();
      return seconds;
    };
    const building = await start("a start that builds", join(place, "building"));
    const first: number[] = [];
    const second: number[] = [];
    for (let round = 0; round < rounds; round++) {
      const folder = join(place, `round-${round}`);
      first.push(await start(`round ${round + 1} of ${rounds}: first`, folder));
      second.push(await start(`round ${round + 1} of ${rounds}: second`, folder));
    }
    return { rounds, building, first: spreadOf(first), second: spreadOf(second) };
  } finally {
    progress("");
    await rm(place, { recursive: true, force: true });
  }
}

async function copyCheckout(to: string): Promise<void> {
  await cp(root, to, { recursive: true, filter: (source) => !made.has(relative(root, source)) });
  const link = (how: string): Promise<unknown> => promisify(execFile)("cp", [how, join(root, "node_modules"), to]);
  await link("-al").catch(() => link("-a")); // second names of the same files, unless that is another disk
}

export const showStart = ({ rounds, building, first, second }: StartResult): string =>
  `${table([
    ["node guidepost.js start → “Ready at”", "seconds"],
    ["first of a checkout: pages built, starter collection loaded", building.toFixed(1)],
    ["first on an empty data folder", spread(first, 1)],
    ["second", spread(second, 1)],
  ])}

${rounds} rounds, median (range); dependencies are installed.`;
