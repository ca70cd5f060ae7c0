import { cpus } from "node:os";
import { join } from "node:path";
import { readManifest } from "#lib/catalog/commits/service.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { measuringProvider, type Progress, PROMPTS } from "#lib/catalog/pairs/schema.ts";
import { type Check, getCheck, type Outcome, recordOutcome, saveProgress } from "#lib/catalog/pairs/work.ts";
import { verdictFromWords } from "#lib/catalog/verdict.ts";
import { env } from "#lib/env.ts";
import { log } from "#lib/log.ts";
import type { Before } from "#lib/measure/pair-check.ts";
import { plainPrompts } from "#lib/measure/prompts.ts";
import type { Agreement, AgreementFigures } from "#lib/pairing/evidence.ts";
import { lineageBand } from "#lib/pairing/verdict.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { failpoint } from "#lib/util/failpoint.ts";
import { readPrompts } from "#workers/files/prompts-file.ts";
import { runtimeFor } from "#workers/inference/runtime-choice.ts";
import { type CommitFolder, openCommitFolder } from "#workers/files/commit-folder.ts";
import { modelIn } from "#workers/files/model-in.ts";
import type { JobHandler } from "#workers/hub/handler.ts";
import { before as beforeSchema } from "#workers/inference/result-schemas.ts";
import type { CheckJob, ResultOf } from "#workers/inference/messages.ts";

/** Measures a guide on a fine-tune. */
export const checkHandler: JobHandler = async ({ subjectId, attempt, models, signal }) => {
  const check = await getCheck(subjectId);
  const opened: CommitFolder[] = [];
  try {
    const { job, shown } = await toJob(check, async ({ commitId, name }) => {
      const open = await openCommitFolder(commitId, name);
      opened.push(open);
      return open.folder;
    });
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
  } finally {
    for (const { close } of opened) await close();
  }
};

type Open = (commit: { readonly commitId: string; readonly name: string }) => Promise<string>;

/**
 * Lays everything out that a pair is measured on. With the prompts of the pictures that everybody is shown: of those that are judged
 * nobody sees one before its time.
 */
export async function toJob(
  { request, unit, guide, judge, evaluators, draw, tries, before }: Check,
  open: Open,
): Promise<{ job: CheckJob; shown: readonly string[] }> {
  const manifest = new Map(judge ? (await readManifest(judge.commitId)).map(({ path, sha256 }) => [path, sha256]) : []);
  const judgeFolder = judge && (await open(judge));
  const lowRank = [];
  for (const { strength, textStrength, ...file } of unit.lowRank)
    lowRank.push({
      path: join(await open(file), file.path),
      strength,
      ...(textStrength !== strength && { textStrength }),
    });
  const job: CheckJob = {
    type: "check",
    runtime: runtimeFor(measuringProvider()),
    choice: { ...(await modelIn(await open(unit.base))), lowRank, guide: join(await open(guide), guide.path) },
    base: judgeFolder === null ? null : await modelIn(judgeFolder),
    evaluators: await inOrder(evaluators, async (one) => join(await open(one), one.path ?? "")),
    prompts: null,
    draw,
    tries,
    pictures: request.pictures,
    before: toBefore(before),
    domain: null,
    tapes: {
      folder: join(env().dataFolder, "cache", "teacher"),
      key: [unit.hash, ...evaluators.map(({ sha256 }) => sha256)].join(),
    },
  };
  const shown =
    judgeFolder && manifest.has(PROMPTS)
      ? await readPrompts(join(judgeFolder, PROMPTS), `${judge!.name}/${PROMPTS}`)
      : plainPrompts(null);
  return { job, shown };
}

/** Null also where what is stored cannot be read any more: then the first look is made again. */
function toBefore(levels: Check["before"]): Before | null {
  const raw = (level: number): unknown => levels.find((one) => one.level === level)?.raw;
  const found = beforeSchema.safeParse({ lineage: raw(1) ?? null, agreement: raw(2), fidelity: raw(4) });
  return found.success ? found.data : null;
}

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
      const { silence = null, verdict: word = null, fidelity: own = null } = opinions[place] ?? {};
      return {
        sha256,
        kind,
        commit: commitId,
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
    machine: `${cpus()[0]?.model ?? process.arch}, ${runtime.threads} threads`,
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

const TELL_EVERY = 500; // milliseconds

/** Keeps the row's progress about as it is; one that cannot be written is passed over, for the next one says more. */
export function progressWriter(write: (progress: Progress) => Promise<unknown>): (progress: Progress) => void {
  let [last, isWriting] = [0, false];
  return (progress) => {
    if (isWriting || performance.now() - last < TELL_EVERY) return;
    [last, isWriting] = [performance.now(), true];
    write(progress)
      .catch((cause: unknown) =>
        log().warn({ event: "check.progress", err: cause }, "The progress of a measurement could not be written."),
      )
      .finally(() => (isWriting = false));
  };
}
