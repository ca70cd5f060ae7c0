import { spawn } from "node:child_process";
import { once } from "node:events";
import { cp, open, rm, symlink } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, CommanderError, Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { writeWhole } from "#lib/util/write-whole.ts";
import { defaultThreads, integer, threads } from "#workers/cli/options.ts";
import { describeMachine } from "../machine.ts";
import { estimate, milliseconds, table } from "../table.ts";
import { compareOutputs } from "./compare.ts";
import { hashesOf } from "./hashes.ts";
import { goldenFolder, type Maker, makers, nameOf, recordPath, withoutMaker } from "./makers.ts";
import { preparePython, versionsIn } from "./python.ts";
import { type ConformanceRecord, type MakerRecord, readRecord } from "./record.ts";
import { timeSingleFile, timeSteps, timeTraining } from "./timings.ts";

/**
 * Holds what is committed under `tests/golden` against the libraries that made it, times our step beside theirs, and writes
 * `tests/golden/conformance.json`. The only program here that needs Python. Exit code 1 when something moved.
 */
const program = new Command("npm run conformance --")
  .option("--only <topic...>", "only the makers of these folders of tests/golden; the rest of the record stays")
  .option("--no-makers", "only the timings")
  .addOption(
    new Option("--timings <which>", "what is timed")
      .choices(["all", "steps", "training", "single-file", "none"])
      .default("all"),
  )
  .option("--rounds <count>", "of timings", integer("--rounds", 1, 100), 5)
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
  .action(run);

interface Options {
  readonly only?: readonly string[];
  readonly makers: boolean;
  readonly timings: "all" | "steps" | "training" | "single-file" | "none";
  readonly rounds: number;
  readonly threads: number;
}

const say = (text: string): void => void process.stdout.write(`${text}\n`);
const copy = fileURLToPath(new URL("../out/conformance/tests/golden/", import.meta.url));

async function run(options: Options): Promise<void> {
  const unknown = options.only?.find((topic) => makers.every((maker) => maker.topic !== topic));
  if (unknown !== undefined)
    throw new AppError("bad_request", `No maker writes tests/golden/${unknown}; see bench/conformance/makers.ts.`);
  const python = await preparePython(say);
  const versions = await versionsIn(python);
  say(Object.entries(versions).flat().join(" "));
  const machine = describeMachine(options.threads);
  const date = new Date().toISOString().slice(0, 10);
  const before = await readRecord();
  const records: Record<string, MakerRecord> = { ...before?.makers };
  if (options.makers) {
    await rm(copy, { recursive: true, force: true });
    await cp(goldenFolder, copy, { recursive: true });
    await rm(join(copy, "../../starter"), { recursive: true, force: true });
    await symlink(fileURLToPath(new URL("../../starter", import.meta.url)), join(copy, "../../starter"));
    for (const maker of makers) {
      if (options.only && !options.only.includes(maker.topic)) continue;
      records[nameOf(maker)] = await check(maker, python, date, records[nameOf(maker)]);
    }
  }
  const known = new Set(makers.map(nameOf));
  let result: ConformanceRecord = {
    date,
    machine,
    versions,
    makers: Object.fromEntries(Object.entries(records).filter(([name]) => known.has(name))),
    withoutMaker,
    steps: before?.steps ?? null,
    training: before?.training ?? null,
    singleFile: before?.singleFile ?? null,
  };
  const write = () => writeWhole(recordPath, Buffer.from(`${JSON.stringify(result, null, 2)}\n`));
  await write();
  const { timings } = options;
  if (timings === "all" || timings === "steps") result = { ...result, steps: await showSteps(python, options, date) };
  await write();
  if (timings === "all" || timings === "training")
    result = { ...result, training: await showTraining(python, options, date) };
  await write();
  if (timings === "all" || timings === "single-file")
    result = { ...result, singleFile: await showSingleFile(python, options, date) };
  await write();
  const moved = Object.entries(result.makers).filter(([, { comparison }]) => comparison && hasMoved(comparison));
  if (moved.length === 0) return;
  say(`What is committed and what is made now differ in: ${moved.map(([name]) => name).join(", ")}.`);
  process.exitCode = 1;
}

/** Far below every tolerance that a golden case has: what another processor's order of sums may change. */
const MOST = 1e-5;
const hasMoved = ({ largest, different }: NonNullable<MakerRecord["comparison"]>): boolean =>
  largest > MOST || different.length > 0;

async function check(maker: Maker, python: string, date: string, last?: MakerRecord): Promise<MakerRecord> {
  const { topic, needs } = maker;
  const hashes = await hashesOf(maker);
  const source = needs && process.env[needs.variable];
  if (needs && !source) {
    const skipped = `it reads ${needs.what}; set ${needs.variable} to a folder with it`;
    say(`${nameOf(maker)}: skipped, ${skipped}`);
    const isStill = last?.comparison && last.maker === hashes.maker && last.outputs === hashes.outputs;
    return isStill ? last : { date, ...hashes, skipped, comparison: null };
  }
  const begin = performance.now();
  await runMaker(maker, python, needs?.asArgument ? [source!] : []);
  const comparison = await compareOutputs(maker, join(goldenFolder, topic), join(copy, topic));
  const { files, largest, where, different } = comparison;
  const seconds = ((performance.now() - begin) / 1000).toFixed(0);
  say(
    `${nameOf(maker)}: ${files} files, at most ${largest.toExponential(1)} apart${where ? ` (${where})` : ""}, ${seconds} s`,
  );
  for (const one of different) say(`  ${one}`);
  return { date, ...hashes, skipped: null, comparison };
}

/** In the copy, so that what is committed stays. */
async function runMaker(maker: Maker, python: string, args: readonly string[]): Promise<void> {
  const { topic, script, printsTo } = maker;
  const folder = join(copy, topic);
  const output = printsTo === null ? null : await open(join(folder, printsTo), "w");
  const child = spawn(python, [script, ...args], {
    cwd: folder,
    stdio: ["ignore", output?.fd ?? "ignore", "pipe"],
    env: { ...process.env, PYTHONDONTWRITEBYTECODE: "1" },
  });
  let errors = "";
  child.stderr!.on("data", (bytes: Buffer) => (errors = (errors + bytes.toString("utf8")).slice(-4000)));
  const [code] = await once(child, "close");
  await output?.close();
  if (code !== 0) throw new AppError("internal", `${nameOf(maker)} ended with ${code}:\n${errors}`);
}

const runtimeOf = ({ threads: count }: Options): Runtime => ({ provider: "cpu", precision: "float32", threads: count });

async function showSteps(python: string, options: Options, date: string): Promise<ConformanceRecord["steps"]> {
  const machine = describeMachine(options.threads);
  const engines = await timeSteps(python, runtimeOf(options), options.rounds);
  const rows = engines.map(({ engine, ours, theirs, ratio, difference }) => [
    engine,
    milliseconds(theirs),
    milliseconds(ours),
    estimate(ratio),
    difference.toExponential(1),
  ]);
  say(`\n${table([["UNet step, SD 1.5's size", "ms", "ours", "ours / theirs", "apart"], ...rows])}`);
  return { date, machine, engines };
}

async function showTraining(python: string, options: Options, date: string): Promise<ConformanceRecord["training"]> {
  const machine = describeMachine(options.threads);
  const timing = await timeTraining(python, runtimeOf(options), options.rounds);
  const row = ["guide-tiny on the starter, 32 states", milliseconds(timing.torch), milliseconds(timing.ours)];
  say(
    `\n${table([
      ["training step", "torch ms", "ours", "ours / torch"],
      [...row, estimate(timing.ratio)],
    ])}`,
  );
  return { date, machine, ...timing };
}

async function showSingleFile(
  python: string,
  options: Options,
  date: string,
): Promise<ConformanceRecord["singleFile"]> {
  const machine = describeMachine(options.threads);
  const { ours, diffusers } = await timeSingleFile(python, runtimeOf(options));
  const figures = ({ open: seconds, step, openedPeak, peak }: typeof ours): string[] => [
    seconds.toFixed(1),
    (openedPeak / 1e9).toFixed(1),
    step.toFixed(1),
    (peak / 1e9).toFixed(1),
  ];
  const head = ["single file of SDXL's size", "open s", "peak GB", "step s", "peak GB"];
  say(`\n${table([head, ["ours", ...figures(ours)], ["diffusers", ...figures(diffusers)]])}`);
  return { date, machine, ours, diffusers, openRatio: ours.open / diffusers.open };
}

try {
  await program.parseAsync();
} catch (failure) {
  if (!(failure instanceof AppError || failure instanceof CommanderError)) throw failure;
  const asked = failure instanceof CommanderError && failure.exitCode === 0;
  if (!asked) process.stderr.write(`${failure.message}\n`);
  process.exitCode = asked ? 0 : 2;
}
