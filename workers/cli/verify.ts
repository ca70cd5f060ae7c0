import { scoresOf } from "#lib/measure/fidelity.ts";
import type { Scores } from "#lib/pairing/recovery.ts";
import { homedir } from "node:os";
import { join } from "node:path";
import { isDeepStrictEqual } from "node:util";
import { Command } from "commander";
import { type Report, REPORT_FORMAT, report as reportSchema } from "#lib/catalog/reports/schema.ts";
import { AppError } from "#lib/errors.ts";
import { unfoundedLooks } from "#lib/measure/follows.ts";
import { compareFound, compareWays, type Found } from "#lib/measure/same-again.ts";
import type { DrawnFrom } from "#lib/pairing/period-secret.ts";
import { type ProviderChoice, providers } from "#lib/onnx/providers.ts";
import { printable } from "#lib/util/printable.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { bringFiles, type WantedFile } from "#workers/verify/bring-files.ts";
import { findReport, type FoundReport } from "#workers/verify/find-report.ts";
import { withLaidOut } from "#workers/verify/laid-out.ts";
import { foundThere, otherLayout, promptsOf, stylesFor, toCurveJob, toJob } from "#workers/verify/measure-again.ts";
import { whatWasDrawn } from "#workers/verify/what-was-drawn.ts";
import { partsOf, wantedFiles } from "#workers/verify/wanted-files.ts";
import { type Signer, whoSigned } from "#workers/verify/who-signed.ts";
import { defaultThreads, integer, providerOption, threads } from "./options.ts";
import { progressLine } from "./progress.ts";
import { runJob } from "./run-job.ts";
import { say } from "./say.ts";
import { changedLines, heldBackLines, outcomeLines, type Outcome, signedLines, unkeptLines } from "./verify-lines.ts";

interface Options {
  key?: string;
  models?: string;
  cache: string;
  signatureOnly: boolean;
  ways: boolean;
  prompts?: number;
  threads?: number;
  provider?: ProviderChoice;
  json: boolean;
}

/** Beside those of every command (0, 1, 2, 130). */
const DIFFERS = 3;
const WAS_CHANGED = 4;
const HELD_BACK = 5;

export const verifyCommand = new Command("verify")
  .description(
    "Check a hub's report: who signed it, and whether this machine measures the same. Ends in agrees (0), differs (3), was changed (4), or held back (5), from when on it says.",
  )
  .argument("<report>", "the file that a hub gave, its address, or the address of a pair's page")
  .option("--signature-only", "say who signed it and measure nothing", false)
  .option(
    "--prompts <count>",
    "measure the first prompts only, which says nothing of the verdict",
    integer("--prompts", 1, 10_000),
  )
  .option("--ways", "also draw again what else could be done with as many passes: seven times the work", false)
  .option("--key <file>", "the hub's keys or key, where you have them from elsewhere than the hub itself")
  .option("--models <folder>", "where you have the files yourself, by whatever names; what is not there the hub gives")
  .option("--cache <folder>", "where files that the hub gave are kept", join(homedir(), ".cache", "guidepost", "files"))
  .option("--threads <count>", "processor threads (default: others than the report was made with)", threads)
  .addOption(providerOption())
  .option("--json", "print one JSON object, values included", false)
  .action(run);

async function run(place: string, options: Options): Promise<void> {
  const found = await findReport(place);
  requireKnownFormat(found);
  const signer = await whoSigned(found.signed, options.key ?? null);
  if (!signer.isAuthentic) {
    process.exitCode = WAS_CHANGED;
    return say(options.json, { outcome: "was changed", signer }, () => changedLines(signer));
  }
  if (options.signatureOnly) return say(options.json, { outcome: "signed", signer }, () => signedLines(signer, found));
  const report = read(found);
  if (!options.json) process.stderr.write(`${signedLines(signer, found).map(printable).join("\n")}\n`);
  const there = foundThere(report);
  const differences = unfoundedLooks(
    report.pair.measured?.looks ?? [],
    decidingScores(report, there),
    report.pair.measured?.fidelity?.tries ?? 1,
  );
  const drawn = await whatWasDrawn(report.pair.period, signer.hub);
  if ("broken" in drawn || ("heldBackUntil" in drawn && differences.length > 0)) {
    const unkept = "broken" in drawn ? [drawn.broken, ...differences] : differences;
    process.exitCode = DIFFERS;
    return say(options.json, { outcome: "differs", signer, page: report.page, differences: unkept }, () =>
      unkeptLines(report, unkept),
    );
  }
  if ("heldBackUntil" in drawn) {
    process.exitCode = HELD_BACK;
    const { heldBackUntil } = drawn;
    return say(options.json, { outcome: "held back", signer, page: report.page, heldBackUntil }, () =>
      heldBackLines(report, heldBackUntil),
    );
  }
  const outcome = await measureAgain(report, { there, unfounded: differences, draw: drawn.draw }, signer, options);
  if (outcome.word === "differs") process.exitCode = DIFFERS;
  const { word, again, ...more } = outcome;
  say(options.json, { outcome: word, signer, page: report.page, ...more, again }, () => outcomeLines(report, outcome));
}

const KNOWN_FORMAT = Number(REPORT_FORMAT.split("/")[1]);

function requireKnownFormat({ format }: FoundReport): void {
  if (format > KNOWN_FORMAT)
    throw new AppError(
      "bad_request",
      `The report is of format ${format}, and this guidepost knows those up to ${KNOWN_FORMAT}; use a newer guidepost.`,
      { format },
    );
}

/** @throws bad_request for what is signed and cannot be read: the first format did not say where its files are */
function read({ signed, format }: FoundReport): Report {
  const parsed = reportSchema.safeParse(signed.report);
  if (parsed.success) return parsed.data;
  throw new AppError(
    "bad_request",
    format < KNOWN_FORMAT
      ? `The signature holds. The report is of format ${format}, which does not say where its files are, so it cannot be measured again; get it anew from its page.`
      : `The signature holds, and what was signed is not as this guidepost reads it (${parsed.error.issues[0]?.path.join(".")}); use the version of guidepost that its hub has.`,
    { format },
  );
}

interface Claimed {
  readonly there: Found;
  /** What does not follow from the values beside it. */
  readonly unfounded: readonly string[];
  readonly draw: DrawnFrom | null;
}

async function measureAgain(
  report: Report,
  { there, unfounded, draw }: Claimed,
  signer: Signer,
  options: Options,
): Promise<Outcome> {
  const parts = partsOf(report);
  const { measured } = report.pair;
  const all = promptsOf(there);
  const prompts = Math.min(options.prompts ?? all, all);
  const layout = otherLayout(measured?.cost?.baseParameters ?? 0);
  const paths = await fetchAll(wantedFiles(parts), signer.hub, options);
  const runtime = runtimeFor(
    options.provider ?? providers.find((one) => one === measured?.runtime.provider),
    options.threads ?? otherThan(measured?.runtime.threads),
  );
  const ways = options.ways ? report.pair.curve?.raw : null;
  const { checked, drawn } = await withLaidOut(report, parts, paths, async (laid) => ({
    checked: await runJob(
      toJob(
        laid,
        { draw, tries: measured?.fidelity?.tries ?? 1, pictures: prompts, styles: stylesFor(report, prompts === all) },
        runtime,
        layout,
      ),
    ),
    drawn: ways ? await runJob(toCurveJob(laid, report, { pictures: ways.prompts.length, runtime, layout })) : null,
  }));
  const { report: again, runtime: used } = checked;
  const here: Found = {
    verdict: prompts === all ? again.verdict : null,
    structure: again.evidence.structure,
    lineage: again.evidence.lineage,
    ...again.raw,
  };
  const evaluator = again.evidence.fidelity?.evaluator ?? "attributes";
  const found = [
    compareFound(there, here, evaluator),
    ...(ways && drawn ? [compareWays(ways.ways, drawn.raw.ways, evaluator)] : []),
  ];
  const levels = found.flatMap((one) => one.levels);
  const differences = [...unfounded, ...found.flatMap((one) => one.differences)];
  const word = differences.length === 0 ? "agrees" : "differs";
  return {
    word,
    prompts,
    all,
    comparison: { levels, differences },
    again,
    layout,
    threads: used.threads,
    hasWays: drawn !== null,
  };
}

/** Of the evaluator whose word stands: the looks are told as it saw them. */
function decidingScores({ pair: { measured } }: Report, { fidelity }: Found): readonly Scores[] {
  const spoke = measured?.evaluators.filter((one) => one.fidelity !== null) ?? [];
  const deciding = spoke.findIndex((one) => isDeepStrictEqual(one.fidelity, measured?.fidelity));
  return scoresOf(fidelity, Math.max(0, deciding));
}

/** As many as there are, and not those that the hub had. */
const otherThan = (hubs: number | undefined): number =>
  defaultThreads === hubs && hubs > 1 ? hubs - 1 : defaultThreads;

/** With a progress line; Ctrl-C stops between two pieces. */
async function fetchAll(
  wanted: readonly WantedFile[],
  hub: string,
  { models, cache }: Options,
): Promise<ReadonlyMap<string, string>> {
  const cancel = new AbortController();
  const abort = (): void => cancel.abort(new AppError("cancelled", "It was cancelled; what has come is kept."));
  const line = progressLine();
  process.once("SIGINT", abort);
  process.once("SIGTERM", abort);
  try {
    return await bringFiles(
      wanted,
      { hub, models: models ?? null, cache },
      (done, total) => line.show({ stage: "fetching", done, total }),
      cancel.signal,
    );
  } finally {
    line.clear();
    process.off("SIGINT", abort);
    process.off("SIGTERM", abort);
  }
}
