import { randomUUID } from "node:crypto";
import { requireRuns, runnableModel } from "#lib/catalog/models/service.ts";
import { insertPreview, setPreviewJob } from "#lib/catalog/previews/repository.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { forgetUndrawn, fullNames, removeColumn } from "./repository.ts";
import { LARGE_COLUMNS, LARGE_PARAMETERS, sheetSet } from "./set.ts";

export interface SheetToDraw {
  readonly pairId: string;
  readonly finetuneCommitId: string;
  readonly guideCommitId: string;
  /** What the pair was measured with, or would have been. */
  readonly prompts: readonly string[];
}

/**
 * Asks for the pictures of a pair that was just measured, within the transaction that writes what came of it. Columns that are drawn
 * already stay. A queue that is full is no reason to lose a measurement: the sheet then ends where it is.
 */
export async function addSheet(transaction: Transaction, { pairId, finetuneCommitId, guideCommitId, prompts }: SheetToDraw): Promise<void> {
  const model = await runnableModel(finetuneCommitId);
  const names = await fullNames(transaction, [finetuneCommitId, guideCommitId]);
  const [finetune, guide] = [names.get(finetuneCommitId)!, names.get(guideCommitId)!];
  const { facts } = await requireRuns(guideCommitId, guide);
  const { parameters } = (await requireRuns(model.base.commitId, model.base.name)).facts;
  const { minGuidance, maxGuidance } = facts.guide!;
  const guidanceScale = Math.min(maxGuidance, Math.max(minGuidance, sheetSet.guidanceScale));
  await forgetUndrawn(transaction, pairId);
  const columns = prompts.slice(0, parameters < LARGE_PARAMETERS ? sheetSet.seeds.length : LARGE_COLUMNS);
  for (const [sheetIndex, prompt] of columns.entries()) {
    const { steps, sampler, seeds } = sheetSet;
    const asked = { finetune, revision: finetuneCommitId, guide, guideRevision: guideCommitId, prompt, negativePrompt: null, seed: seeds[sheetIndex]!, steps, guidanceScale, cfgSteps: 0, sampler };
    const recipe = { asked, base: model.base, lowRank: [...model.lowRank], guide: { commitId: guideCommitId, name: guide.split("/")[1]!, path: facts.mainFile! } };
    const id = randomUUID();
    if (!(await insertPreview(transaction, { id, userId: undefined, finetuneCommitId, guideCommitId, recipe, sheet: { pairId, sheetIndex } }))) continue;
    try {
      await setPreviewJob(transaction, id, await enqueue(transaction, "preview", id, "sheet"));
    } catch (cause) {
      if (!(cause instanceof AppError && cause.code === "queue_full")) throw cause;
      log().warn({ event: "sheet.cut", pairId, columns: sheetIndex }, cause.message);
      return removeColumn(transaction, id);
    }
  }
}
