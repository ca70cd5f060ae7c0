import { Command } from "commander";
import type { LowRankChoice } from "#lib/diffusion/model-files.ts";
import type { PairReport } from "#lib/measure/pair-check.ts";
import { envelopePrompts, firstLook, lastLook } from "#lib/pairing/plan.ts";
import type { ProviderChoice } from "#lib/onnx/providers.ts";
import type { CheckJob, CurveJob, EnvelopeJob } from "#workers/inference/messages.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { lookLine, reportLines } from "./check-report.ts";
import { curveLines } from "./curve-lines.ts";
import { envelopeLines } from "./envelope-lines.ts";
import { defaultThreads, integer, lowRank, providerOption, threads } from "./options.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import { runJob } from "./run-job.ts";
import { say } from "./say.ts";

interface Options {
  lora: LowRankChoice[];
  base?: string;
  prompts?: string;
  evaluator: string[];
  domain?: string;
  pictures: number;
  curve: boolean;
  envelope: boolean;
  threads: number;
  provider?: ProviderChoice;
  json: boolean;
}

export const checkCommand = new Command("check")
  .description("Measure whether a guide works on a model. Pictures judge; one-step figures are shown beside them.")
  .argument("<model>", "a diffusers folder")
  .argument("<guide>", "a guide file")
  .option("--lora <file[:strength]>", "a low-rank file to add; may be repeated", lowRank, [])
  .option("--base <folder>", "the model this one was made from, to measure lineage")
  .option("--prompts <file>", "one prompt a line (default: the evaluator's own words, or plain ones)")
  .option(
    "--evaluator <path>",
    "reads pictures and so lets a verdict be given: an evaluator file, or the folder of a CLIPModel; of several all must agree",
    (path: string, before: readonly string[]) => [...before, path],
    [],
  )
  .option(
    "--domain <name>",
    "the style's name, where you know it, of those that the evaluator was tested on; without one only known weights are judged by attributes",
  )
  .option(
    "--pictures <count>",
    "stop after the last look that needs no more prompts; asked again, the same prompts go on",
    integer("--pictures", 1, 10_000),
    lastLook.prompts,
  )
  .option(
    "--curve",
    "then also measure, on the prompts of the first look, what else could be done with as many passes, such as CFG at half the steps",
    false,
  )
  .option(
    "--envelope",
    "then also find the strength, the CFG steps and the guidance at which the guide is at its best, and how far around it holds",
    false,
  )
  .option("--threads <count>", "processor threads", threads, defaultThreads)
  .addOption(providerOption())
  .option("--json", "print one JSON object, raw values included", false)
  .action(run);

async function run(model: string, guide: string, options: Options): Promise<void> {
  const job: CheckJob = {
    type: "check",
    runtime: runtimeFor(options.provider, options.threads),
    choice: { model, lowRank: options.lora, guide },
    base: options.base === undefined ? null : { model: options.base },
    evaluators: options.evaluator,
    prompts: options.prompts === undefined ? null : await readPrompts(options.prompts),
    pictures: Math.min(firstLook.prompts, options.pictures),
    before: null,
    domain: options.domain ?? null,
    kept: null,
  };
  const report = await lookOn(job, options);
  const curve = options.curve ? await curveOf(job, report) : null;
  const envelope = options.envelope ? await envelopeOf(job, report) : null;
  say(options.json, { ...report, ...curve, ...envelope }, () => [
    ...reportLines(report),
    ...(curve ? ["", ...curveLines(curve.curve)] : []),
    ...(envelope ? ["", ...envelopeLines(envelope.envelope)] : []),
  ]);
}

/** Whether something says which way is better: an evaluator reads the pictures, and some were drawn. */
const isRead = ({ evidence: { fidelity } }: PairReport): boolean => fidelity !== null && fidelity.scored.length > 0;

async function curveOf({ before: _before, ...job }: CheckJob, report: PairReport) {
  if (!isRead(report)) return null;
  const { curve, raw } = await runJob({ ...job, type: "curve" } satisfies CurveJob);
  return { curve, curveRaw: raw };
}

async function envelopeOf({ before: _before, ...job }: CheckJob, report: PairReport) {
  if (!isRead(report)) return null;
  const asked = { ...job, ...envelopePrompts, type: "envelope" } satisfies EnvelopeJob;
  const { envelope, raw } = await runJob(asked);
  return { envelope, envelopeRaw: raw };
}

/** One look after another, each told as it comes, until the plan ends or may draw no more. */
async function lookOn(job: CheckJob, options: Options): Promise<PairReport> {
  const { report } = await runJob(job);
  const { next, evidence, raw } = report;
  if (next === null || next > options.pictures) return report;
  if (!options.json) process.stderr.write(`${lookLine(report)}\n`);
  return lookOn({ ...job, pictures: next, before: { lineage: evidence.lineage, ...raw } }, options);
}
