import { requireRuns } from "#lib/catalog/models/service.ts";
import { addSheet } from "#lib/catalog/sheets/work.ts";
import { database } from "#lib/db/client.ts";
import { inLockedTransaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { holdsAttempt, ownerOf, succeedAttempt } from "#lib/queue/attempt.ts";
import { saveProgress as save } from "#lib/queue/progress.ts";
import { toStorableJson, toStorableText } from "#lib/util/storable.ts";
import { commitRepos, type Outcome as StoredOutcome, pairById, writeOutcome } from "./repository.ts";
import { type Measured, type Progress, type StoredSummary, storedSummary } from "./schema.ts";

/** The worker's side of pairs. Every write names its attempt, and changes nothing when another has begun. */

/** What has to be measured, and on exactly which commits and files. */
export interface Check {
  readonly request: StoredSummary["request"];
  readonly finetuneCommitId: string;
  readonly guide: { readonly commitId: string; readonly name: string; readonly path: string };
  /** Of the guide, with its evaluator and prompts where it has them. */
  readonly base: { readonly commitId: string; readonly name: string } | null;
  readonly files: Measured["files"];
  /** Tells the fine-tune's own results apart from those of any other. */
  readonly finetuneWeightsSha256: string;
}

/** @throws not_found where one of the two is gone; conflict where they are not any more what was to be measured */
export async function getCheck(id: string): Promise<Check> {
  const row = await pairById(id);
  if (!row) throw new AppError("not_found", "What was to be measured is gone; nothing is left to do.");
  const { request } = row.summary;
  const repos = await commitRepos(
    [row.finetuneCommitId, row.guideCommitId, request.baseCommitId].filter((commit) => commit !== null),
  );
  const requireMeasurable = async (commitId: string | null, what: string, weightsSha256: string) => {
    const repo = commitId === null ? undefined : repos.get(commitId);
    if (!repo || commitId === null)
      throw new AppError("not_found", `The repo of the ${what} is gone; nothing is left to measure.`);
    const found = await requireRuns(commitId, repo.name);
    if (found.weightsSha256 !== weightsSha256)
      throw new AppError(
        "conflict",
        `${repo.name} has been read otherwise since this was asked for; ask for the measurement again.`,
      );
    return { commitId, name: repo.name, ...found };
  };
  const finetune = await requireMeasurable(row.finetuneCommitId, "fine-tune", row.finetuneWeightsSha256);
  const guide = await requireMeasurable(row.guideCommitId, "guide", row.guideWeightsSha256);
  const below =
    finetune.facts.kind === "low-rank fine-tune" && finetune.baseCommitId
      ? (await requireRuns(finetune.baseCommitId, `the base of ${finetune.name}`)).facts.files
      : [];
  const base = repos.get(request.baseCommitId ?? "");
  if (request.baseCommitId !== null && !base)
    throw new AppError("not_found", "The base of the guide is gone; there is nothing to measure against.");
  return {
    request,
    finetuneCommitId: finetune.commitId,
    guide: { commitId: guide.commitId, name: guide.name, path: guide.facts.mainFile! },
    base: base ? { commitId: request.baseCommitId!, name: base.name } : null,
    files: [...below, ...finetune.facts.files, ...guide.facts.files],
    finetuneWeightsSha256: row.finetuneWeightsSha256,
  };
}

export const saveProgress = (id: string, attempt: number, progress: Progress): Promise<boolean> =>
  save({ kind: "check", subjectId: id, attempt }, progress);

/** A verdict and what it rests on, as it comes from the measurement: in it is text of strangers, and numbers that may not be any. */
export type Outcome = Omit<StoredOutcome, "summary" | "levels"> & {
  readonly summary: { readonly request: StoredSummary["request"]; readonly measured: object };
  readonly levels: readonly (Omit<StoredOutcome["levels"][number], "raw"> & { readonly raw: object })[];
  /** What was drawn, or would have been. */
  readonly prompts: readonly string[];
};

/** In one transaction, with the asking for the pair's sheet where there is something to see. @returns false when this attempt is not the last one; nothing was written then */
export function recordOutcome(
  id: string,
  attempt: number,
  { summary, levels, prompts, ...outcome }: Outcome,
): Promise<boolean> {
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
    await writeOutcome(transaction, id, attempt, stored);
    await succeedAttempt(transaction, hold);
    const { finetuneCommitId, guideCommitId } = (await pairById(id, transaction))!;
    if (stored.verdict !== "incompatible" && finetuneCommitId && guideCommitId)
      await addSheet(transaction, {
        pairId: id,
        finetuneCommitId,
        guideCommitId,
        prompts,
        userId: await ownerOf(transaction, hold),
      });
    return true;
  });
}
