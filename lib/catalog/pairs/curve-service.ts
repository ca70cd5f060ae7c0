import type { Actor } from "#lib/auth/actor.ts";
import { cancelOf, checkAgain } from "./service.ts";
import { AppError } from "#lib/errors.ts";
import { pairOfCurve } from "./curve-repository.ts";

/** For who waits for it, and for who may write to either repo. @throws not_found, already_ended */
export async function cancelCurve(actor: Actor, id: string): Promise<void> {
  await cancelOf(actor, await requirePair(id), { kind: "curve", subjectId: id });
}

/** Asks for the pair once more: what is missing of it is measured. */
export async function curveAgain(actor: Actor, id: string): Promise<void> {
  await checkAgain(actor, await requirePair(id));
}

async function requirePair(id: string): Promise<string> {
  const pairId = await pairOfCurve(id);
  if (pairId === null) throw new AppError("not_found", "The measurement that this belongs to is gone.");
  return pairId;
}
