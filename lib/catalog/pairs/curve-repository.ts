import { database } from "#lib/db/client.ts";
import type { JobState } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { type CurveFound, curveFound, type CurveRaw, curveRaw, type CurveView } from "./curve-schema.ts";

/** A pair has one, and it is measured once. Null where nobody asked for it. */
export async function curveOfPair(pairId: string, withRaw: boolean): Promise<CurveView | null> {
  const row = await database().curve.findUnique({
    where: { pairId },
    select: { id: true, state: true, measuredAt: true, machine: true, milliseconds: true, result: true, raw: withRaw },
  });
  if (!row) return null;
  const { result, raw, measuredAt, ...rest } = row;
  return {
    ...rest,
    measuredAt: measuredAt && measuredAt.toISOString(),
    found: result === null ? null : curveFound.parse(result),
    ...(raw && { raw: curveRaw.parse(raw) }),
  };
}

export async function pairOfCurve(id: string): Promise<string | null> {
  const row = await database().curve.findUnique({ where: { id }, select: { pairId: true } });
  return row?.pairId ?? null;
}

/** Its id and where it is; made where there is none. */
export async function curveRow(
  transaction: Transaction,
  pairId: string,
): Promise<{ readonly id: string; readonly state: JobState; readonly isNew: boolean }> {
  const known = await transaction.curve.findUnique({ where: { pairId }, select: { id: true, state: true } });
  if (known) return { ...known, isNew: false };
  const made = await transaction.curve.create({ data: { pairId }, select: { id: true, state: true } });
  return { ...made, isNew: true };
}

export async function deleteCurve(transaction: Transaction, id: string): Promise<void> {
  await transaction.curve.delete({ where: { id }, select: { id: true } });
}

export interface CurveOutcome {
  readonly result: CurveFound;
  readonly raw: CurveRaw;
  readonly machine: string;
  readonly milliseconds: number;
}

export async function writeCurve(transaction: Transaction, id: string, outcome: CurveOutcome): Promise<void> {
  await transaction.curve.update({
    where: { id },
    data: { ...outcome, measuredAt: new Date() },
    select: { id: true },
  });
}
