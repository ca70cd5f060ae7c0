import { addSheet } from "#lib/catalog/sheets/work.ts";
import type { Progress } from "#lib/catalog/pairs/schema.ts";
import { type Check, getCheck, type Outcome, recordOutcome, saveProgress } from "#lib/catalog/pairs/work.ts";
import { verdictFromWords } from "#lib/catalog/verdict.ts";
import type { Agreement, AgreementFigures } from "#lib/pairing/evidence.ts";
import { lineageBand } from "#lib/pairing/verdict.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import type { CheckJob, ResultOf } from "#workers/inference/messages.ts";
import { machineOf } from "./machine.ts";
import { withPairJob } from "./pair-job.ts";
import { progressWriter } from "./progress-writer.ts";

/** Measures a guide on a fine-tune. */
export const checkHandler: JobHandler = async ({ subjectId, attempt, models, signal }) => {
  const check = await getCheck(subjectId);
  return withPairJob(check, async ({ job, shown }) => {
    const clock = stageClock();
    const tell = progressWriter((progress) => saveProgress(subjectId, attempt, progress));
    const onProgress = ({ stage, done, total }: Progress): void => {
      clock.see(stage);
      tell({ stage, done, total });
    };
    const result = await models.run(job, { signal, onProgress });
    failpoint("check.measured");
    const outcome = toOutcome(check, shown, result, clock.milliseconds);
    const isWritten = await recordOutcome(subjectId, attempt, outcome, addSheet);
    failpoint("check.done");
    return isWritten && outcome.next !== null ? "goes on" : undefined;
  });
};

function toOutcome(
  { request, files, evaluators, before }: Check,
  shown: readonly string[],
  { report, runtime }: ResultOf<CheckJob>,
  milliseconds: (stage: string) => number,
): Outcome {
  const { verdict, reasons, next, looks, opinions, evidence, cost, protocol, raw } = report;
  const { structure, lineage, agreement, fidelity } = evidence;
  const measured = {
    structure,
    lineage: isWhole(lineage) ? { ...lineage, band: lineageBand(lineage) } : null,
    agreement:
      agreement && isWhole(overall(agreement))
        ? {
            ...agreement,
            byTimestep: agreement.byTimestep.filter(isWhole),
            byGuidance: agreement.byGuidance.filter(isWhole),
          }
        : null,
    fidelity: isWhole(fidelity) ? fidelity : null,
    looks,
    next,
    cost,
    protocol,
    evaluatorSha256: evaluators[0]?.sha256 ?? null,
    evaluators: evaluators.map(({ commitId, sha256, kind }, place) => {
      const { style = null, silence = null, verdict: word = null, fidelity: own = null } = opinions[place] ?? {};
      return {
        sha256,
        kind,
        commit: commitId,
        style: isWhole(style) ? style : null,
        silence,
        verdict: word && verdictFromWords(word),
        fidelity: isWhole(own) ? own : null,
      };
    }),
    promptsSha256: null,
    files,
    runtime,
  };
  const took = (level: number, stage: string): number =>
    milliseconds(stage) + (before.find((one) => one.level === level)?.milliseconds ?? 0);
  return {
    verdict: verdictFromWords(verdict),
    reasons,
    next,
    summary: { request, measured },
    levels: [
      { level: 0, n: 1, raw: { structure }, milliseconds: 0 },
      ...(lineage ? [{ level: 1 as const, n: lineage.tensors, raw: lineage, milliseconds: took(1, "lineage") }] : []),
      ...(agreement
        ? [{ level: 2 as const, n: agreement.fvu.n, raw: raw.agreement, milliseconds: took(2, "agreement") }]
        : []),
      ...(fidelity
        ? [{ level: 4 as const, n: fidelity.cfg.n, raw: raw.fidelity, milliseconds: took(4, "pictures") }]
        : []),
      ...(cost ? [{ level: 5 as const, n: 1, raw: cost, milliseconds: 0 }] : []),
    ],
    prompts: raw.fidelity.length > 0 ? shown.slice(0, raw.fidelity.length) : shown, // no more are shown than were judged
    machine: machineOf(runtime),
  };
}

const overall = ({ fvu, delivered, cosine }: Agreement): AgreementFigures => ({ fvu, delivered, cosine });

/** Whether something was measured and all its numbers are numbers: shares of nothing and weights that are not numbers give others. */
function isWhole<T>(value: T | null): value is T {
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object") return true;
  return value !== null && Object.values(value).every((part: unknown) => part === null || isWhole(part));
}

/** How long each stage of the work took, from its first word to the next stage's or now. */
function stageClock(): { see(stage: string): void; milliseconds(stage: string): number } {
  const began = new Map<string, number>();
  return {
    see: (stage) => void (began.has(stage) || began.set(stage, performance.now())),
    milliseconds: (stage) => {
      const start = began.get(stage);
      const next = Math.min(
        ...[...began.values()].filter((at) => start !== undefined && at > start),
        performance.now(),
      );
      return start === undefined ? 0 : Math.round(next - start);
    },
  };
}
