import { basename } from "node:path";
import { Command, Option } from "commander";
import { AppError } from "#lib/errors.ts";
import type { TrainingPrompts } from "#lib/distill/prompts/training-prompts.ts";
import type { ProviderChoice } from "#lib/onnx/providers.ts";
import { type GuideKind, guideKinds, usualChoice } from "#lib/pairing/guide-choice.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import type { DistillJob } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { distilledLines } from "./distill-lines.ts";
import { distillProgress } from "./distill-progress.ts";
import { defaultThreads, integer, number, providerOption, threads } from "./options.ts";
import { runJob } from "./run-job.ts";
import { say } from "./say.ts";

interface Options {
  out?: string;
  resume?: string;
  kind: GuideKind;
  share?: number;
  guidance: { low: number; high: number };
  steps: number;
  batch: number;
  learningRate: number;
  trajectories: number;
  prompts?: string;
  config?: string;
  seed: number;
  checkpointEvery: number;
  threads: number;
  provider?: ProviderChoice;
  json: boolean;
}

const { guidance, ...usual } = usualChoice;
const large = 10_000_000;

export const distillCommand = new Command("distill")
  .description(
    "Make a guide of a base: the base draws states of its own under CFG, and a small network learns from them. Ctrl-C leaves a checkpoint.",
  )
  .argument("[base]", "a diffusers folder, or a single-file checkpoint; with --resume, where the run's base is now")
  .option("-o, --out <folder>", "where the guide goes: empty, or not there yet")
  .option("--resume <folder>", "go on with the run in this folder, to the very weights that it would have had")
  .addOption(
    new Option("--kind <kind>", "1% of the base's parameters, or 3%")
      .choices(Object.keys(guideKinds))
      .default(usual.kind),
  )
  .option("--share <share>", "of the base's parameters, instead of the kind's own", number("--share"))
  .addOption(
    new Option("--guidance <low-high>", "the range it is made for")
      .argParser(range)
      .default(guidance, `${guidance.low}-${guidance.high}`),
  )
  .option("--steps <count>", "training steps", integer("--steps", 1, large), usual.steps)
  .option("--batch <count>", "states that a step sees", integer("--batch", 1, 1024), usual.batch)
  .option("--learning-rate <rate>", "at its peak", number("--learning-rate"), usual.learningRate)
  .option(
    "--trajectories <count>",
    "walks that the base draws beforehand",
    integer("--trajectories", 1, large),
    usual.trajectories,
  )
  .option(
    "--prompts <file>",
    "what it draws on them, one prompt a line (default: plain things, or what a known base was trained with)",
  )
  .option("--config <folder>", "a diffusers folder that describes the networks of a single file of another shape")
  .option("--seed <number>", "of weights, noise and order", integer("--seed", 0, Number.MAX_SAFE_INTEGER), usual.seed)
  .option(
    "--checkpoint-every <seconds>",
    "how much work may be lost where the process is killed",
    integer("--checkpoint-every", 0, 86_400),
    60,
  )
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .addOption(providerOption())
  .option("--json", "print one JSON object", false)
  .action(run);

/** Decided when a run begins. */
const decided = [
  "out",
  "kind",
  "share",
  "guidance",
  "steps",
  "batch",
  "learningRate",
  "trajectories",
  "prompts",
  "seed",
];

async function run(base: string | undefined, options: Options, command: Command): Promise<void> {
  const output = outputOf(base, options, command);
  const { out: _out, resume, config, prompts, json, provider, checkpointEvery, share, ...chosen } = options;
  const choice = { ...chosen, share: share ?? null };
  const job: DistillJob = {
    type: "distill",
    runtime: runtimeFor(provider, options.threads),
    model: base ?? null,
    config: config ?? null,
    output,
    begin: resume === undefined ? { choice, prompts: prompts === undefined ? null : await promptsOf(prompts) } : null,
    checkpointSeconds: checkpointEvery,
    samples: false,
  };
  // A step of a large base lasts, and what it ends with is worth waiting for; a second Ctrl-C ends it at once.
  const { record } = await runJob(job, { line: distillProgress(json), patience: 600_000 });
  say(json, { folder: output, record }, () => distilledLines(output, record));
}

function outputOf(base: string | undefined, { out, resume }: Options, command: Command): string {
  if (resume !== undefined) {
    const changed = decided.find((name) => command.getOptionValueSource(name) === "cli");
    if (changed === undefined) return resume;
    const flag = command.options.find((option) => option.attributeName() === changed)!.long!;
    throw new AppError(
      "bad_request",
      `${flag} was decided when the run in ${resume} began; leave it out, or begin another run without --resume.`,
      { flag },
    );
  }
  if (base === undefined) throw new AppError("bad_request", "Which base? Write: npx guidepost distill BASE -o FOLDER.");
  if (out === undefined || out === "")
    throw new AppError(
      "bad_request",
      "Where should the guide go? Name a folder with -o, one that is empty or not there yet.",
    );
  return out;
}

async function promptsOf(path: string): Promise<TrainingPrompts> {
  return { source: basename(path), prompts: await readPrompts(path) };
}

/** LOW-HIGH. Whether it makes sense is asked with the rest of the recipe. */
function range(text: string): Options["guidance"] {
  const [, low, high] = /^\s*(-?[\d.]+)\s*(?:-|–|to|:)\s*(-?[\d.]+)\s*$/.exec(text) ?? [];
  if (low === undefined || high === undefined)
    throw new AppError(
      "bad_request",
      `--guidance is "${text.slice(0, 40)}", which is no range; write one such as 1-8.`,
    );
  return { low: number("--guidance")(low), high: number("--guidance")(high) };
}
