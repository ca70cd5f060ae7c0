import type { PairRow } from "./repository.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import { curveRow, deleteCurve } from "./curve-repository.ts";

/** Whether its plan has ended and found something that ways to draw can be compared by: fewer prompts decide nothing. */
export const mayHaveCurve = ({ summary: { measured } }: Pick<PairRow, "summary">): boolean =>
  measured?.next === null &&
  measured.fidelity !== null &&
  measured.fidelity.cfg.n >= firstLook.prompts &&
  measured.fidelity.scored.length > 0;

/**
 * Asks for the curve of a pair whose plan has ended, unless it is there or on its way. As a batch, and of the lane of hours: everything
 * that somebody waits for goes before it. Where too much waits already there is none, until somebody asks for the pair again.
 */
export async function askForCurve(
  transaction: Transaction,
  pair: Pick<PairRow, "id" | "unitHash" | "summary">,
  userId: string | null,
): Promise<void> {
  if (!mayHaveCurve(pair)) return;
  const { id, state, isNew } = await curveRow(transaction, pair.id);
  if (!isNew && state !== "failed" && state !== "cancelled") return;
  const [need] = await transaction.$queryRaw<{ bytes: bigint | null; what: string | null }[]>`
    SELECT needs_bytes AS bytes, needs_for AS what FROM job WHERE subject_id = ${pair.id}::uuid AND kind = 'check' LIMIT 1`;
  try {
    await enqueue(transaction, {
      kind: "curve",
      subjectId: id,
      priority: "batch",
      userId,
      modelKey: pair.unitHash,
      work: firstLook.prompts,
      need: need?.bytes ? { bytes: Number(need.bytes), what: need.what ?? "all in all" } : null,
    });
  } catch (cause) {
    if (!(cause instanceof AppError && cause.code === "queue_full")) throw cause;
    log().warn({ event: "curve.none", pairId: pair.id }, cause.message);
    if (isNew) await deleteCurve(transaction, id);
  }
}
