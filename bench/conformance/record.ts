import { readFile } from "node:fs/promises";
import type { Machine } from "../machine.ts";
import type { Comparison } from "./compare.ts";
import type { Hashes } from "./hashes.ts";
import { recordPath } from "./makers.ts";
import type { SingleFileTiming, StepTiming, TrainingTiming } from "./timings.ts";

/** What `npm run conformance` found of one maker, and of which committed bytes. */
export interface MakerRecord extends Hashes {
  readonly date: string;
  /** Why it was not run, and what would let it; its hashes are those of what is committed all the same. */
  readonly skipped: string | null;
  readonly comparison: Comparison | null;
}

interface Timed {
  readonly date: string;
  readonly machine: Machine;
}

/** The committed file `tests/golden/conformance.json`. */
export interface ConformanceRecord {
  /** Of the last run: of its Python and libraries. */
  readonly date: string;
  readonly machine: Machine;
  readonly versions: Readonly<Record<string, string>>;
  readonly makers: Readonly<Record<string, MakerRecord>>;
  /** Golden folders that nothing of ours made. */
  readonly withoutMaker: readonly string[];
  readonly steps: (Timed & { readonly engines: readonly StepTiming[] }) | null;
  readonly training: (Timed & TrainingTiming) | null;
  readonly singleFile: (Timed & SingleFileTiming & { readonly openRatio: number }) | null;
}

export async function readRecord(): Promise<ConformanceRecord | null> {
  const text = await readFile(recordPath, "utf8").catch(() => null);
  return text === null ? null : (JSON.parse(text) as ConformanceRecord);
}
