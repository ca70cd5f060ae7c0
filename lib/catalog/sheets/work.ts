import { randomUUID } from "node:crypto";
import { requireRuns, runnableModel } from "#lib/catalog/models/service.ts";
import { askForPreview } from "#lib/catalog/previews/ask.ts";
import { insertPreview } from "#lib/catalog/previews/repository.ts";
import { newPreview, type StoredRecipe } from "#lib/catalog/previews/schema.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { forgetUndrawn, fullNames, removeColumn } from "./repository.ts";
import { LARGE_COLUMNS, LARGE_PARAMETERS, sheetSet } from "./set.ts";

export interface SheetToDraw {
  readonly pairId: string;
  readonly finetuneCommitId: string;
  readonly guideCommitId: string;
  /** What the pair was measured with, or would have been. */
  readonly prompts: readonly string[];
  /** From whose measurement it follows; null: the hub's own. */
  readonly userId: string | null;
}

/**
 * Asks for the pictures of a pair that was just measured, within the transaction that writes what came of it. Columns that are drawn
 * already stay. A queue that is full is no reason to lose a measurement: the sheet then ends where it is.
 */
export async function addSheet(transaction: Transaction, sheet: SheetToDraw): Promise<void> {
  const { pairId, finetuneCommitId, guideCommitId, userId } = sheet;
  await forgetUndrawn(transaction, pairId);
  for (const [sheetIndex, recipe] of (await recipesFor(transaction, sheet)).entries()) {
    const id = randomUUID();
    if (
      !(await insertPreview(transaction, {
        id,
        userId: undefined,
        finetuneCommitId,
        guideCommitId,
        recipe,
        sheet: { pairId, sheetIndex },
      }))
    )
      continue;
    try {
      await askForPreview(transaction, { id, recipe }, "sheet", userId);
    } catch (cause) {
      if (!(cause instanceof AppError && cause.code === "queue_full")) throw cause;
      log().warn({ event: "sheet.cut", pairId, columns: sheetIndex }, cause.message);
      return removeColumn(transaction, id);
    }
  }
}

/** None where a repo went meanwhile: that, too, is no reason to lose a measurement. */
async function recipesFor(transaction: Transaction, sheet: SheetToDraw): Promise<StoredRecipe[]> {
  try {
    return await columnsOf(transaction, sheet);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    log().warn({ event: "sheet.none", pairId: sheet.pairId }, cause.message);
    return [];
  }
}

async function columnsOf(
  transaction: Transaction,
  { finetuneCommitId, guideCommitId, prompts }: SheetToDraw,
): Promise<StoredRecipe[]> {
  const { base, lowRank } = await runnableModel(finetuneCommitId);
  const names = await fullNames(transaction, [finetuneCommitId, guideCommitId]);
  const [finetune, guide] = [names.get(finetuneCommitId)!, names.get(guideCommitId)!];
  const { minGuidance, maxGuidance, mainFile } = await guideFacts(guideCommitId, guide);
  const { parameters } = (await requireRuns(base.commitId, base.name)).facts;
  const { steps, sampler, seeds } = sheetSet;
  const settings = {
    finetune,
    revision: finetuneCommitId,
    guide,
    guideRevision: guideCommitId,
    steps,
    sampler,
    guidanceScale: Math.min(maxGuidance, Math.max(minGuidance, sheetSet.guidanceScale)),
  };
  const columns: StoredRecipe[] = [];
  const wanted = parameters < LARGE_PARAMETERS ? seeds.length : LARGE_COLUMNS;
  for (const prompt of prompts) {
    if (columns.length === wanted) break;
    // The list is somebody's file, and a guide may be for a guidance that nobody can ask for: what no preview could be is left out.
    const { data } = newPreview.safeParse({ ...settings, prompt, seed: seeds[columns.length] });
    if (data)
      columns.push({
        asked: data,
        base,
        lowRank: lowRank.map((file) => ({ ...file, strength: data.loraStrength })),
        notes: [],
        guide: { commitId: guideCommitId, name: guide.split("/")[1]!, path: mainFile },
      });
  }
  return columns;
}

async function guideFacts(
  commitId: string,
  name: string,
): Promise<{ minGuidance: number; maxGuidance: number; mainFile: string }> {
  const { facts } = await requireRuns(commitId, name);
  return { ...facts.guide!, mainFile: facts.mainFile! };
}
