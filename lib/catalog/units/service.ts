import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { partsOf } from "./repository.ts";
import { type Component, toUnit, type Unit } from "./unit.ts";

/**
 * What each of some commits draws with, as one statement reads it: a whole model by itself, a low-rank fine-tune on its base, with
 * this strength. Without those that draw nothing.
 */
export async function unitsOfCommits(
  commitIds: readonly string[],
  strength: number,
  client?: Transaction,
): Promise<Map<string, Unit>> {
  const parts = await partsOf(commitIds, client);
  const units = new Map<string, Unit>();
  for (const [commitId, { isLowRank, base, weightsSha256 }] of parts) {
    if (!isLowRank) units.set(commitId, toUnit([toBase(commitId, weightsSha256)]));
    else if (base) {
      const lora = { role: "lora" as const, commitId, weightsSha256, strength, textStrength: strength };
      units.set(commitId, toUnit([toBase(base.commitId, base.weightsSha256), lora]));
    }
  }
  return units;
}

const toBase = (commitId: string, weightsSha256: string): Component => ({
  role: "base",
  commitId,
  weightsSha256,
  strength: 1,
  textStrength: 1,
});

/** A file that changes a base, as a recipe has it. */
export interface Applied {
  readonly commitId: string;
  readonly name: string;
  readonly strength: number;
  readonly textStrength?: number;
}

/** What a recipe draws with. @throws upload_not_ready where one of the commits has not been read */
export async function unitOfRecipe(
  {
    base,
    lowRank,
  }: { readonly base: { readonly commitId: string; readonly name: string }; readonly lowRank: readonly Applied[] },
  client?: Transaction,
): Promise<Unit> {
  const parts = await partsOf(
    [base, ...lowRank].map(({ commitId }) => commitId),
    client,
  );
  const weightsOf = ({ commitId, name }: { readonly commitId: string; readonly name: string }): string => {
    const found = parts.get(commitId);
    if (!found) throw new AppError("upload_not_ready", `${name} is still being inspected; try again in a moment.`);
    return found.weightsSha256;
  };
  return toUnit([
    toBase(base.commitId, weightsOf(base)),
    ...lowRank.map((file) => ({
      role: "lora" as const,
      commitId: file.commitId,
      weightsSha256: weightsOf(file),
      strength: file.strength,
      textStrength: file.textStrength ?? file.strength,
    })),
  ]);
}
