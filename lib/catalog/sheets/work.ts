import { randomUUID } from "node:crypto";
import { requireRuns } from "#lib/catalog/models/service.ts";
import type { MeasuredPair } from "#lib/catalog/pairs/work.ts";
import { askForPreview } from "#lib/catalog/previews/ask.ts";
import { insertPreview } from "#lib/catalog/previews/repository.ts";
import { newPreview, type StoredRecipe } from "#lib/catalog/previews/schema.ts";
import { componentsOf } from "#lib/catalog/units/repository.ts";
import { unitOfRecipe } from "#lib/catalog/units/service.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { ownerOf } from "#lib/queue/attempt.ts";
import { forgetUndrawn, fullNames, removeColumn } from "./repository.ts";
import { LARGE_COLUMNS, LARGE_PARAMETERS, sheetSet } from "./set.ts";

/**
 * Asks for the pictures of a pair that was just measured, within the transaction that writes what came of it. Columns that are drawn
 * already stay. A queue that is full is no reason to lose a measurement: the sheet then ends where it is.
 */
export async function addSheet(transaction: Transaction, pair: MeasuredPair): Promise<void> {
  const { id: pairId, finetuneCommitId, guideCommitId } = pair;
  if (finetuneCommitId === null || guideCommitId === null) return; // a repo went meanwhile
  const userId = await ownerOf(transaction, { kind: "check", subjectId: pairId });
  await forgetUndrawn(transaction, pairId);
  for (const [sheetIndex, recipe] of (await recipesFor(transaction, pair, finetuneCommitId, guideCommitId)).entries()) {
    const id = randomUUID();
    const column = {
      id,
      userId: undefined,
      unit: await unitOfRecipe(recipe, transaction),
      finetuneCommitId,
      guideCommitId,
      recipe,
      sheet: { pairId, sheetIndex },
    };
    if (!(await insertPreview(transaction, column))) continue;
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
async function recipesFor(
  transaction: Transaction,
  pair: MeasuredPair,
  finetuneCommitId: string,
  guideCommitId: string,
): Promise<StoredRecipe[]> {
  try {
    return await columnsOf(transaction, pair, finetuneCommitId, guideCommitId);
  } catch (cause) {
    if (!(cause instanceof AppError)) throw cause;
    log().warn({ event: "sheet.none", pairId: pair.id }, cause.message);
    return [];
  }
}

async function columnsOf(
  transaction: Transaction,
  { unitId, prompts }: MeasuredPair,
  finetuneCommitId: string,
  guideCommitId: string,
): Promise<StoredRecipe[]> {
  const { base, lowRank } = await drawnUnit(transaction, unitId);
  const names = await fullNames(transaction, [finetuneCommitId, guideCommitId]);
  const [finetune, guide] = [names.get(finetuneCommitId), names.get(guideCommitId)];
  if (finetune === undefined || guide === undefined)
    throw new AppError("not_found", "The model or the guide is gone; nothing is drawn with them.");
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
    loraStrength: lowRank.at(-1)?.strength ?? 1,
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
        lowRank,
        notes: [],
        guide: { commitId: guideCommitId, name: guide.split("/")[1]!, path: mainFile },
      });
  }
  return columns;
}

/** The unit that was measured, as a recipe has it. @throws not_found where a part of it is gone */
async function drawnUnit(transaction: Transaction, unitId: string): Promise<Pick<StoredRecipe, "base" | "lowRank">> {
  const components = (await componentsOf([unitId], transaction)).get(unitId) ?? [];
  const names = await fullNames(
    transaction,
    components.flatMap(({ commitId }) => commitId ?? []),
  );
  const parts: StoredRecipe["lowRank"] = [];
  for (const { commitId, strength, textStrength } of components) {
    const fullName = names.get(commitId ?? "");
    if (commitId === null || fullName === undefined)
      throw new AppError("not_found", "A part of this model is gone; nothing is drawn with it.");
    const { facts } = await requireRuns(commitId, fullName);
    const part = { commitId, name: fullName.split("/")[1]!, path: facts.mainFile!, strength };
    parts.push({ ...part, ...(textStrength !== strength && { textStrength }) });
  }
  const [base, ...lowRank] = parts;
  return { base: { commitId: base!.commitId, name: base!.name }, lowRank };
}

async function guideFacts(
  commitId: string,
  name: string,
): Promise<{ minGuidance: number; maxGuidance: number; mainFile: string }> {
  const { facts } = await requireRuns(commitId, name);
  return { ...facts.guide!, mainFile: facts.mainFile! };
}
