import type { PairRow } from "./repository.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { AppError } from "#lib/errors.ts";
import { log } from "#lib/log.ts";
import { envelopeWork } from "#lib/pairing/envelope.ts";
import { firstLook } from "#lib/pairing/plan.ts";
import { enqueue } from "#lib/queue/enqueue.ts";
import type { Priority } from "#lib/queue/jobs.ts";
import { deleteStudy, studyRow } from "./study-repository.ts";
import type { StudyKind } from "./study-schema.ts";

type Asked = Pick<PairRow, "id" | "unitHash" | "summary">;

/** Whether something was found that ways to draw can be compared by: fewer prompts decide nothing. */
export const isReadable = ({ summary: { measured } }: Pick<PairRow, "summary">): boolean =>
  (measured?.fidelity ?? null) !== null &&
  measured!.fidelity!.cfg.n >= firstLook.prompts &&
  measured!.fidelity!.scored.length > 0;

/** … and its plan has ended. */
export const mayHaveCurve = (pair: Pick<PairRow, "summary">): boolean =>
  pair.summary.measured?.next === null && isReadable(pair);

/**
 * Asks for the curve of a pair whose plan has ended, unless it is there or on its way. As a batch, and of the lane of hours: everything
 * that somebody waits for goes before it. Where too much waits already there is none, until somebody asks for the pair again.
 */
export async function askForCurve(transaction: Transaction, pair: Asked, userId: string | null): Promise<void> {
  if (!mayHaveCurve(pair)) return;
  const asked = { kind: "curve", priority: "batch", userId } as const;
  await askForStudy(transaction, pair, asked).catch((cause: unknown) => {
    if (!(cause instanceof AppError && cause.code === "queue_full")) throw cause;
    log().warn({ event: "curve.none", pairId: pair.id }, cause.message);
  });
}

const workOf: Readonly<Record<StudyKind, number>> = { curve: firstLook.prompts, envelope: envelopeWork };

/** One kind of study of a pair, unless it is there or on its way. @throws queue_full, rate_limited, too_little_memory; then no row is left */
export async function askForStudy(
  transaction: Transaction,
  pair: Asked,
  { kind, priority, userId }: { readonly kind: StudyKind; readonly priority: Priority; readonly userId: string | null },
): Promise<void> {
  const { id, state, isNew } = await studyRow(transaction, pair.id, kind);
  if (!isNew && state !== "failed" && state !== "cancelled") return;
  const [need] = await transaction.$queryRaw<{ bytes: bigint | null; what: string | null }[]>`
    SELECT needs_bytes AS bytes, needs_for AS what FROM job WHERE subject_id = ${pair.id}::uuid AND kind = 'check' LIMIT 1`;
  try {
    await enqueue(transaction, {
      kind,
      subjectId: id,
      priority,
      userId,
      modelKey: pair.unitHash,
      work: workOf[kind],
      need: need?.bytes ? { bytes: Number(need.bytes), what: need.what ?? "all in all" } : null,
    });
  } catch (cause) {
    if (isNew) await deleteStudy(transaction, id); // without its job it would wait for ever
    throw cause;
  }
}
