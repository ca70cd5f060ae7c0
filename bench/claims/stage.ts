import { createHash } from "node:crypto";
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { toDuration } from "./duration.ts";

/** Some work whose result is kept under the hash of all that decides it, so that a run which was cut off goes on where it was. */
export interface Stage<Result> {
  readonly name: string;
  /** All that decides the result: hashes of files, counts, seeds. */
  readonly inputs: Readonly<Record<string, unknown>>;
  /** Passes of one picture through the base; 0 where it is done at once. */
  readonly passes: number;
  run(): Promise<Result>;
}

/** Results are small and stand beside the code, so that another machine goes on from them. */
const folder = fileURLToPath(new URL("kept/", import.meta.url));

/** Of one picture a second, on two cores; what the stages before this one took says it better. */
let rate = 200;

/** Says what it costs, and does it. Where results are kept: unless it was done before, and keeps what it found. */
export async function runStage<Result>(isKept: boolean, { name, inputs, passes, run }: Stage<Result>): Promise<Result> {
  const hash = createHash("sha256")
    .update(JSON.stringify({ name, ...inputs }))
    .digest("hex")
    .slice(0, 16);
  const path = join(folder, `${name.replaceAll(/\W+/g, "-")}-${hash}.json`);
  const kept = isKept ? await readFile(path, "utf8").catch(() => null) : null;
  if (kept !== null) {
    process.stderr.write(`${name}: stands\n`);
    return JSON.parse(kept) as Result;
  }
  const cost = passes === 0 ? "" : `, ${passes.toLocaleString("en")} passes, about ${toDuration(passes / rate)}`;
  process.stderr.write(`${name}${cost}\n`);
  const began = performance.now();
  const result = await run();
  const seconds = (performance.now() - began) / 1000;
  rate = passes === 0 ? rate : passes / seconds;
  process.stderr.write(`${name}: took ${toDuration(seconds)}\n`);
  if (isKept) {
    await mkdir(folder, { recursive: true });
    await writeFile(path, JSON.stringify(result));
  }
  return result;
}
