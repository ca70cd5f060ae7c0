import { anonymous } from "#lib/auth/actor.ts";
import { personById } from "#lib/auth/person.ts";
import { askForCurve } from "./study-ask.ts";
import { evaluatorsFor, type JudgingEvaluator, openToAll } from "#lib/catalog/evaluators/repository.ts";
import { requireRuns } from "#lib/catalog/models/service.ts";
import { componentsOf } from "#lib/catalog/units/repository.ts";
import { ownWeightsOf } from "#lib/catalog/units/unit.ts";
import { drawOfPeriod } from "#lib/catalog/periods/service.ts";
import { readableCommits } from "#lib/catalog/units/who-may-see.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction, type Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import type { DrawnFrom } from "#lib/pairing/period-secret.ts";
import { isOfThisVersion, protocolKey } from "#lib/pairing/protocol.ts";
import type { StyleTest } from "#lib/pairing/style-test.ts";
import { log } from "#lib/log.ts";
import { type Attempt, holdsAttempt, ownerOf, succeedAttempt, waiterOf } from "#lib/queue/attempt.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { inOrder } from "#lib/util/in-order.ts";
import { toStorableJson, toStorableText } from "#lib/util/storable.ts";
import { workOf } from "./looks.ts";
import {
  measuredOfUnit,
  measurementsOf,
  type Outcome as StoredOutcome,
  pairById,
  type PairRow,
  writeOutcome,
} from "./repository.ts";
import { commitRepos } from "./weights.ts";
import { type Measured, type Progress, type StoredSummary, storedSummary } from "./schema.ts";

/** The worker's side of pairs. Every write names its attempt, and changes nothing when another has begun. */

/** A commit that takes part, by what its folder is called where it is laid out. */
interface Part {
  readonly commitId: string;
  readonly name: string;
}

/** What has to be measured, and on exactly which commits and files. */
export interface Check {
  readonly request: StoredSummary["request"];
  readonly unit: {
    readonly hash: string;
    readonly base: Part;
    /** What is applied to it, in this order; `path`: of the file, within the commit. */
    readonly lowRank: readonly (Part & {
      readonly path: string;
      readonly strength: number;
      readonly textStrength: number;
    })[];
  };
  readonly guide: Part & { readonly path: string };
  /** Decides prompts and noise. */
  readonly draw: DrawnFrom;
  /** The how manieth guide of its author it is on this unit. */
  readonly tries: number;
  /** The base of the guide, which lineage is measured against. */
  readonly judge: Part | null;
  /** `path`: of the file, within the commit; null where it is the whole folder. */
  readonly evaluators: readonly (Part & JudgingEvaluator & { readonly path: string | null })[];
  readonly files: Measured["files"];
  /** How well each of `evaluators` reads the unit's style, where the hub has measured that: once for all guides, and all looks. */
  readonly styles: readonly (StyleTest | null)[];
  /** What the last look found, level by level; empty for the first. */
  readonly before: readonly { readonly level: number; readonly raw: unknown; readonly milliseconds: number }[];
}

type Job = Pick<Attempt, "kind" | "subjectId">;

/**
 * @param job for which it is measured: its pair's own, or one that goes by the pair
 * @throws not_found where a part is gone, or whoever asked may not read it any more; conflict where it is not any more what was to
 *   be measured
 */
export async function getCheck(id: string, job: Job = { kind: "check", subjectId: id }): Promise<Check> {
  const row = await pairById(id);
  if (!row) throw new AppError("not_found", "What was to be measured is gone; nothing is left to do.");
  if (!isOfThisVersion(row.protocol) || row.period === null)
    throw new AppError(
      "conflict",
      "The hub measures by a later protocol than this was asked for by; what was found stands, and asking again measures by today's.",
    );
  const draw = await drawOfPeriod(row.period);
  const components = (await componentsOf([row.unitId])).get(row.unitId) ?? [];
  const commitIds = [...components.map(({ commitId }) => commitId), row.guideCommitId, row.judgeCommitId];
  const repos = await commitRepos(commitIds.filter((commit) => commit !== null));
  const requirePart = async (commitId: string | null, what: string, weightsSha256: string) => {
    const repo = commitId === null ? undefined : repos.get(commitId);
    if (!repo || commitId === null)
      throw new AppError("not_found", `The repo of the ${what} is gone; nothing is left to measure.`);
    const { facts } = await requireRuns(commitId, repo.name);
    if (ownWeightsOf(facts) !== weightsSha256)
      throw new AppError(
        "conflict",
        `${repo.name} has been read otherwise since this was asked for; ask for the measurement again.`,
      );
    return { commitId, name: repo.name, path: facts.mainFile!, files: facts.files };
  };
  const [base, ...lowRank] = await inOrder(components, async ({ commitId, weightsSha256, strength, textStrength }) => ({
    ...(await requirePart(commitId, "model", weightsSha256)),
    strength,
    textStrength,
  }));
  const guide = await requirePart(row.guideCommitId, "guide", row.guideWeightsSha256);
  const judge = repos.get(row.judgeCommitId ?? "");
  if (!base || (row.judgeCommitId !== null && !judge))
    throw new AppError("not_found", "The base of the guide is gone; there is nothing to measure against.");
  await requireStillReadable(job, [...repos.keys()]);
  return {
    request: row.summary.request,
    unit: { hash: row.unitHash, base, lowRank },
    guide,
    draw,
    tries: row.tries,
    judge: judge ? { commitId: row.judgeCommitId!, name: judge.name } : null,
    evaluators: await inOrder(row.summary.request.evaluators ?? (await judgingToday(row, judge)), requireJudging),
    files: [base, ...lowRank, guide].flatMap(({ files }) => files),
    styles: (row.summary.measured ?? (await measuredOfUnit(row)))?.evaluators.map(({ style }) => style) ?? [],
    before: row.summary.measured ? await measurementsOf(id, true) : [],
  };
}

/** Asked for before evaluators were chosen by operators: those that are meant read the same prompts by the same bytes. */
async function judgingToday(
  { protocol }: PairRow,
  judge: { readonly repoId: string } | undefined,
): Promise<readonly JudgingEvaluator[]> {
  const evaluators = await evaluatorsFor(judge?.repoId ?? null);
  if (protocolKey({ evaluators }) === protocol) return evaluators;
  throw new AppError(
    "conflict",
    "What judges, and how, has changed since this was asked for; ask for the measurement again.",
  );
}

/** What judges may have gone or become private since, and then nobody could check what it says. */
async function requireJudging(evaluator: JudgingEvaluator): Promise<Check["evaluators"][number]> {
  const { commitId, sha256, kind } = evaluator;
  const name = (await openToAll(commitId))?.name;
  if (name === undefined)
    throw new AppError(
      "not_found",
      `An evaluator that was to judge this (sha256 ${sha256.slice(0, 12)}) was deleted or made private since; ask for the measurement again, and those judge that judge today.`,
    );
  const { facts } = await requireRuns(commitId, name);
  return { ...evaluator, name, path: kind === "attributes" ? facts.mainFile : null };
}

/** What somebody asked for may have become private while it waited. */
async function requireStillReadable(job: Job, commitIds: readonly string[]): Promise<void> {
  const userId = await waiterOf(database(), job);
  if (userId === null) return;
  const asker = (await personById(userId)) ?? anonymous;
  if ((await readableCommits(asker, commitIds)).size < commitIds.length)
    throw new AppError(
      "not_found",
      "Whoever asked for this measurement may not read all of it any more; ask for it again as somebody who may.",
    );
}

export const saveProgress = (id: string, attempt: number, progress: Progress): Promise<boolean> =>
  save({ kind: "check", subjectId: id, attempt }, progress);

/** A verdict and what it rests on, as it comes from the measurement: in it is text of strangers, and numbers that may not be any. */
export type Outcome = Omit<StoredOutcome, "summary" | "levels"> & {
  readonly summary: { readonly request: StoredSummary["request"]; readonly measured: object };
  readonly levels: readonly (Omit<StoredOutcome["levels"][number], "raw"> & { readonly raw: object })[];
  /** What was drawn, or would have been. */
  readonly prompts: readonly string[];
  /** How many prompts the plan looks at next; null where it has ended. */
  readonly next: number | null;
};

/** A pair that was measured and where there is something to see. */
export interface MeasuredPair extends Pick<PairRow, "id" | "unitId" | "finetuneCommitId" | "guideCommitId"> {
  readonly prompts: readonly string[];
}

/**
 * In one transaction, with what follows from the first look where there is something to see. Where the plan goes on the next look waits
 * its turn, as everything else that waits: others come to their first look in between.
 *
 * @returns false when this attempt is not the last one; nothing was written then
 */
export function recordOutcome(
  id: string,
  attempt: number,
  { summary: { request, measured }, levels, prompts, next, ...outcome }: Outcome,
  then: (transaction: Transaction, pair: MeasuredPair) => Promise<void>,
): Promise<boolean> {
  const summary = { request: next === null ? request : { ...request, pictures: next }, measured };
  const stored: StoredOutcome = {
    ...outcome,
    reasons: outcome.reasons.map(toStorableText),
    summary: storedSummary.parse(toStorableJson(summary)),
    levels: levels.map((level) => ({
      ...level,
      raw: toStorableJson(level.raw) as StoredOutcome["levels"][number]["raw"],
    })),
  };
  return inLockedTransaction(database(), async (transaction) => {
    const hold = { kind: "check", subjectId: id, attempt } as const;
    if (!(await holdsAttempt(transaction, hold))) return false;
    const isFirstLook = ((await pairById(id, transaction))!.summary.measured?.next ?? null) === null;
    await writeOutcome(transaction, id, attempt, stored);
    await succeedAttempt(transaction, hold);
    const row = (await pairById(id, transaction))!;
    if (isFirstLook && stored.verdict !== "incompatible") await then(transaction, { ...row, prompts });
    if (next !== null) await askForNext(transaction, row);
    else await askForCurve(transaction, row, await ownerOf(transaction, hold));
    return true;
  });
}

/**
 * As one of whoever asked, behind all that somebody waits for: a first look says what people want to know, and more looks make it surer.
 * Where too much waits already, what was found stands, and asking again goes on from it.
 */
async function askForNext(transaction: Transaction, { id, unitHash, summary }: PairRow): Promise<void> {
  const subject = { kind: "check", subjectId: id } as const;
  const userId = await ownerOf(transaction, subject);
  const job = { ...subject, userId, modelKey: unitHash, work: workOf(summary), priority: "batch" } as const;
  await enqueue(transaction, job).catch((cause: unknown) => {
    if (!(cause instanceof AppError && (cause.code === "queue_full" || cause.code === "rate_limited"))) throw cause;
    log().warn({ event: "look.later", pairId: id, pictures: summary.request.pictures }, cause.message);
  });
}
