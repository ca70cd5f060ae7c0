import { Command, CommanderError, Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { ProviderChoice } from "#lib/onnx/providers.ts";
import type { Runtime } from "#lib/onnx/session.ts";
import { defaultThreads, integer, providerOption, threads } from "#workers/cli/options.ts";
import { requireWritable, writeOutput } from "#workers/cli/output-file.ts";
import { openRuntime } from "#workers/inference/runtime.ts";
import { benchCatalog, showCatalog } from "./catalog.ts";
import { benchCeiling, showCeiling } from "./ceiling.ts";
import { benchDistill, showDistill } from "./distill.ts";
import { benchForm, showForm } from "./form.ts";
import { benchGuide, showGuide } from "./guide.ts";
import { benchKill, showKill } from "./kill.ts";
import { describeMachine } from "./machine.ts";
import { benchMemory, showMemory } from "./memory.ts";
import { benchOpen, showOpen } from "./open.ts";
import { benchOpenSingle, showOpenSingle } from "./open-single.ts";
import { benchReduced, showReduced } from "./reduced.ts";
import { benchReducedStep, showReducedStep } from "./reduced-step.ts";
import { benchParts, showParts } from "./parts.ts";
import { benchRepeat, showRepeat } from "./repeat.ts";
import { benchRequests, showRequests } from "./requests.ts";
import { benchScreening, showScreening } from "./screening.ts";
import { benchSharedArms, showSharedArms } from "./shared-arms.ts";
import { benchSizes, showSizes } from "./sizes.ts";
import { benchStart, showStart } from "./start.ts";
import { prepareSubject, readSubject, type Subject, type SubjectName, subjectNames } from "./subject.ts";
import { benchStyles, showStyles } from "./styles.ts";
import { benchTransfer, showTransfer } from "./transfer.ts";
import { benchUpload, showUpload } from "./upload.ts";
import { benchVerdicts, showVerdicts } from "./verdicts.ts";
import { benchWeb, showWeb } from "./web.ts";

interface Bench<Result> {
  readonly run: (subject: Subject, rounds: number, runtime: Runtime) => Promise<Result>;
  readonly show: (result: Result) => string;
  /** Rounds that give steady medians in a few minutes. */
  readonly rounds: Readonly<Record<SubjectName, number>>;
}

interface HubOptions {
  readonly repos: number;
  readonly seconds: number;
  readonly size: number;
}

/** Of the hub: no model takes part. */
interface HubBench<Result> {
  readonly run: (rounds: number, options: HubOptions) => Promise<Result>;
  readonly show: (result: Result) => string;
  readonly rounds: number;
  /** How many the hub has, where that is not 10,000. */
  readonly repos?: number;
}

const bench = <Result>(benchmark: Bench<Result>): Bench<unknown> => benchmark as Bench<unknown>;
/** Of a model of SDXL's size, 6.9 GB of random weights, of single kernels, or of the verdict. */
interface OtherBench<Result> {
  readonly run: (rounds: number, runtime: Runtime) => Promise<Result>;
  readonly show: (result: Result) => string;
  readonly rounds: number;
}

const otherBench = <Result>(benchmark: OtherBench<Result>): OtherBench<unknown> => benchmark as OtherBench<unknown>;
const hubBench = <Result>(benchmark: HubBench<Result>): HubBench<unknown> => benchmark as HubBench<unknown>;

const benches: Readonly<Record<string, Bench<unknown>>> = {
  guide: bench({ run: benchGuide, show: showGuide, rounds: { starter: 20, sd15: 5 } }),
  form: bench({ run: benchForm, show: showForm, rounds: { starter: 100, sd15: 5 } }),
  ceiling: bench({ run: benchCeiling, show: showCeiling, rounds: { starter: 20, sd15: 5 } }),
  open: bench({ run: benchOpen, show: showOpen, rounds: { starter: 9, sd15: 7 } }),
  "reduced-step": bench({ run: benchReducedStep, show: showReducedStep, rounds: { starter: 20, sd15: 5 } }),
  distill: bench({ run: benchDistill, show: showDistill, rounds: { starter: 20, sd15: 3 } }),
  memory: bench({ run: benchMemory, show: showMemory, rounds: { starter: 1, sd15: 1 } }),
};

const hubBenches: Readonly<Record<string, HubBench<unknown>>> = {
  requests: hubBench({ run: benchRequests, show: showRequests, rounds: 5 }),
  parts: hubBench({ run: benchParts, show: showParts, rounds: 3 }),
  transfer: hubBench({ run: benchTransfer, show: showTransfer, rounds: 3 }),
  web: hubBench({ run: benchWeb, show: showWeb, rounds: 3 }),
  start: hubBench({ run: benchStart, show: showStart, rounds: 5 }),
  catalog: hubBench({ run: benchCatalog, show: showCatalog, rounds: 50, repos: 100_000 }),
  upload: hubBench({ run: benchUpload, show: showUpload, rounds: 3 }),
  kill: hubBench({ run: benchKill, show: showKill, rounds: 20 }),
};

const otherBenches: Readonly<Record<string, OtherBench<unknown>>> = {
  sizes: otherBench({ run: benchSizes, show: showSizes, rounds: 3 }),
  "open-single": otherBench({ run: benchOpenSingle, show: showOpenSingle, rounds: 3 }),
  verdicts: otherBench({ run: benchVerdicts, show: showVerdicts, rounds: 4000 }),
  styles: otherBench({ run: benchStyles, show: showStyles, rounds: 6 }),
  repeat: otherBench({ run: benchRepeat, show: showRepeat, rounds: 48 }),
  "shared-arms": otherBench({ run: benchSharedArms, show: showSharedArms, rounds: 48 }),
  screening: otherBench({ run: benchScreening, show: showScreening, rounds: 5 }),
  reduced: otherBench({ run: benchReduced, show: showReduced, rounds: 7 }),
};
const everyName = [benches, otherBenches, hubBenches].flatMap((table) => Object.keys(table));

interface Options extends Omit<HubOptions, "repos"> {
  repos?: number;
  model: SubjectName | "both";
  rounds?: number;
  threads: number;
  provider: ProviderChoice;
  json?: string;
}

const program = new Command("npm run bench --")
  .description(
    "Measure what a step costs, side by side in one run. Ratios hold; milliseconds are those of this machine.",
  )
  .argument("<name>", `one of ${everyName.join(", ")}, or all that time a model`)
  .addOption(
    new Option("--model <name>", "which model; sd15 writes 1.7 GB of random weights once")
      .choices([...subjectNames, "both"])
      .default("starter"),
  )
  .option("--rounds <count>", "how often everything is timed", integer("--rounds", 1, 10_000))
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .addOption(providerOption().default("cpu"))
  .option("--repos <count>", "requests, web, catalog: how many repos the hub has", integer("--repos", 100, 1_000_000))
  .option("--seconds <count>", "requests, web: how long each is asked in a round", integer("--seconds", 1, 3600), 5)
  .option("--size <bytes>", "transfer, parts: of the file, like 64MB or 4GB", bytes, 4e9)
  .option("--json <file>", "also write the figures as JSON; - is standard output, instead of tables")
  .exitOverride()
  .configureOutput({ writeErr: () => {} })
  .action(run);

function bytes(text: string): number {
  const [, count, unit] = /^(\d{1,6}) ?(MB|GB)$/.exec(text) ?? [];
  if (!count || Number(count) === 0)
    throw new AppError("bad_request", `--size is "${text.slice(0, 40)}"; write a size like 64MB or 4GB.`);
  return Number(count) * (unit === "GB" ? 1e9 : 1e6);
}

async function run(
  name: string,
  { model, rounds, threads, provider, json, repos, ...options }: Options,
): Promise<void> {
  const ofHub = Object.hasOwn(hubBenches, name) ? hubBenches[name]! : null;
  const other = Object.hasOwn(otherBenches, name) ? otherBenches[name]! : null;
  const names = name === "all" ? Object.keys(benches) : ofHub || other ? [] : [name];
  if (!names.every((one) => Object.hasOwn(benches, one)))
    throw new AppError("bad_request", `There is no bench "${name}"; choose one of ${everyName.join(", ")}, or all.`);
  if (json !== undefined && json !== "-") await requireWritable(json);
  const runtime = await openRuntime({ provider, threads });
  const machine = describeMachine(threads);
  const print = (text: string): void => {
    if (json !== "-") process.stdout.write(`${text}\n\n`);
  };
  print(
    `${machine.processor}, ${machine.cores} cores, ${machine.memoryGb} GB; ${threads} threads, Node ${machine.node}, ${machine.runtime}; load ${machine.loadBefore} before`,
  );
  const results: Record<string, Record<string, unknown>> = {};
  let ofOther: object = {}; // alone in the file, its figures stand at the top
  if (ofHub) {
    const result = await ofHub.run(rounds ?? ofHub.rounds, { ...options, repos: repos ?? ofHub.repos ?? 10_000 });
    results["hub"] = { [name]: result };
    print(`## ${name}\n\n${ofHub.show(result)}`);
  }
  if (other) {
    const result = await other.run(rounds ?? other.rounds, runtime);
    ofOther = result as object;
    print(`## ${name}\n\n${other.show(result)}`);
  }
  const models = names.length === 0 ? [] : model === "both" ? subjectNames : [model];
  for (const subjectName of models) await prepareSubject(subjectName);
  for (const subjectName of models) {
    const subject = await readSubject(subjectName);
    for (const one of names) {
      const result = await benches[one]!.run(subject, rounds ?? benches[one]!.rounds[subjectName], runtime);
      (results[subjectName] ??= {})[one] = result;
      print(`## ${one}, ${subjectName}\n\n${benches[one]!.show(result)}`);
    }
  }
  const text = `${JSON.stringify(other ? { machine, ...ofOther } : { machine, results }, null, 2)}\n`;
  if (json === "-") process.stdout.write(text);
  else if (json !== undefined) await writeOutput(json, Buffer.from(text));
}

try {
  await program.parseAsync();
} catch (failure) {
  if (!(failure instanceof AppError || failure instanceof CommanderError)) throw failure;
  const asked = failure instanceof CommanderError && failure.exitCode === 0; // for help
  if (!asked) process.stderr.write(`${failure.message}\n`);
  process.exitCode = asked ? 0 : 2;
}
