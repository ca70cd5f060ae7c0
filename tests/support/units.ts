import { insertUnit } from "#lib/catalog/units/repository.ts";
import { toUnit, type Unit } from "#lib/catalog/units/unit.ts";
import { database } from "#lib/db/client.ts";
import { inTransaction } from "#lib/db/transaction.ts";

/** The unit of a whole model, as it is there once something was asked of it. */
export async function newUnit(commitId: string, weightsSha256: string): Promise<Unit> {
  const unit = toUnit([{ role: "base", commitId, weightsSha256, strength: 1, textStrength: 1 }]);
  await inTransaction(database(), (transaction) => insertUnit(transaction, unit));
  return unit;
}
