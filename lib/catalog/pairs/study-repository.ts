import { database } from "#lib/db/client.ts";
import type { JobState } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { progressOf } from "#lib/queue/progress.ts";
import type { z } from "zod";
import { curveFound, curveRaw } from "./curve-schema.ts";
import { envelopeFound, envelopeRaw } from "./envelope-schema.ts";
import { type CurveView, type EnvelopeView, type StudyKind, type studyFound, type studyRaw } from "./study-schema.ts";

/** A pair has one of each kind, and it is measured once. Null where nobody asked for it. */
async function studyOfPair(kind: StudyKind, pairId: string, withRaw: boolean) {
  const row = await database().study.findUnique({
    where: { pairId_kind: { pairId, kind } },
    select: { id: true, state: true, measuredAt: true, machine: true, milliseconds: true, result: true, raw: withRaw },
  });
  return row && { ...row, measuredAt: row.measuredAt && row.measuredAt.toISOString() };
}

export async function curveOfPair(pairId: string, withRaw: boolean): Promise<CurveView | null> {
  const row = await studyOfPair("curve", pairId, withRaw);
  if (!row) return null;
  const { result, raw, ...rest } = row;
  return {
    ...rest,
    found: result === null ? null : curveFound.parse(result),
    ...(raw && { raw: curveRaw.parse(raw) }),
  };
}

export async function envelopeOfPair(pairId: string, withRaw: boolean): Promise<EnvelopeView | null> {
  const row = await studyOfPair("envelope", pairId, withRaw);
  if (!row) return null;
  const { result, raw, ...rest } = row;
  const progress = rest.state === "running" ? (await progressOf("envelope", [rest.id])).get(rest.id) : undefined;
  return {
    ...rest,
    progress: (progress as EnvelopeView["progress"] | undefined) ?? null,
    found: result === null ? null : envelopeFound.parse(result),
    ...(raw && { raw: envelopeRaw.parse(raw) }),
  };
}

/** Of which pair it is, and what of it; null where it is gone. */
export const findStudy = (id: string): Promise<{ readonly pairId: string; readonly kind: StudyKind } | null> =>
  database().study.findUnique({ where: { id }, select: { pairId: true, kind: true } }) as Promise<{
    pairId: string;
    kind: StudyKind;
  } | null>;

/** Its id and where it is; made where there is none. */
export async function studyRow(
  transaction: Transaction,
  pairId: string,
  kind: StudyKind,
): Promise<{ readonly id: string; readonly state: JobState; readonly isNew: boolean }> {
  const select = { id: true, state: true } as const;
  const { count } = await transaction.study.createMany({ data: { pairId, kind }, skipDuplicates: true });
  const row = await transaction.study.findUniqueOrThrow({ where: { pairId_kind: { pairId, kind } }, select });
  return { ...row, isNew: count === 1 };
}

export async function deleteStudy(transaction: Transaction, id: string): Promise<void> {
  await transaction.study.delete({ where: { id }, select: { id: true } });
}

export interface StudyOutcome<Kind extends StudyKind> {
  readonly result: z.output<(typeof studyFound)[Kind]>;
  readonly raw: z.output<(typeof studyRaw)[Kind]>;
  readonly machine: string;
  readonly milliseconds: number;
}

export async function writeStudy(
  transaction: Transaction,
  id: string,
  outcome: StudyOutcome<StudyKind>,
): Promise<void> {
  await transaction.study.update({
    where: { id },
    data: { ...outcome, measuredAt: new Date() },
    select: { id: true },
  });
}
