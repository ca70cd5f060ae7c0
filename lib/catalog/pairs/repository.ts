import { randomUUID } from "node:crypto";
import type { Actor } from "#lib/auth/actor.ts";
import { database } from "#lib/db/client.ts";
import { type JobState, Prisma, type Verdict } from "#lib/db/generated/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";
import { insertUnit } from "#lib/catalog/units/repository.ts";
import type { Unit } from "#lib/catalog/units/unit.ts";
import { mayKnowPair, maySeePairWork } from "#lib/catalog/units/who-may-see.ts";
import { measuringRuntime, storedSummary, type StoredSummary } from "./schema.ts";

/** A pair by what is measured of both, as one protocol measures it here. */
export interface PairKey {
  readonly unitHash: string;
  readonly guideWeightsSha256: string;
  readonly protocol: string;
}

export interface PairRow extends PairKey {
  readonly id: string;
  readonly runtime: string;
  /** What is drawn, and the how manieth of its author's guides it is on this unit; null: an earlier protocol. */
  readonly period: number | null;
  readonly tries: number;
  readonly unitId: string;
  readonly finetuneCommitId: string | null;
  readonly guideCommitId: string | null;
  readonly judgeCommitId: string | null;
  readonly state: JobState;
  readonly attempt: number;
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly summary: StoredSummary;
  readonly problem: string | null;
  readonly measuredAt: Date | null;
  readonly createdAt: Date;
}

const columns = {
  id: true,
  unitHash: true,
  guideWeightsSha256: true,
  protocol: true,
  runtime: true,
  period: true,
  tries: true,
  unitId: true,
  finetuneCommitId: true,
  guideCommitId: true,
  judgeCommitId: true,
  state: true,
  attempt: true,
  verdict: true,
  reasons: true,
  summary: true,
  problem: true,
  measuredAt: true,
  createdAt: true,
} as const satisfies Prisma.PairSelect;

const toRow = (row: Prisma.PairGetPayload<{ select: typeof columns }>): PairRow => ({
  ...row,
  summary: storedSummary.parse(row.summary),
});

export async function pairById(id: string, client: Transaction = database()): Promise<PairRow | null> {
  const row = await client.pair.findUnique({ where: { id }, select: columns });
  return row && toRow(row);
}

/** Whole rows of some ids, newest first. Why one failed is told in the words of the repos that it ran on, to whoever may read those. */
export async function pairsOf(actor: Actor, ids: readonly string[]): Promise<PairRow[]> {
  const rows = await database().pair.findMany({
    where: { id: { in: [...ids] } },
    orderBy: [{ createdAt: "desc" }, { id: "desc" }],
    select: columns,
  });
  const failed = rows.flatMap(({ id, problem }) => (problem === null ? [] : [id]));
  const told =
    failed.length === 0
      ? []
      : await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE p.id = ANY (${failed}::uuid[]) AND ${maySeePairWork(actor, "p")}`;
  const mayTell = new Set(told.map(({ id }) => id));
  return rows.map((row) =>
    toRow(row.problem === null || mayTell.has(row.id) ? row : { ...row, problem: FAILED_ELSEWHERE }),
  );
}

export const FAILED_ELSEWHERE =
  "It failed on a copy of these files that you may not see; ask for the measurement again.";

/** Of some ids the pairs that somebody may know. */
export async function knownPairs(actor: Actor, ids: readonly string[]): Promise<PairRow[]> {
  const rows = await database().$queryRaw<{ id: string }[]>`
    SELECT p.id FROM pair p WHERE p.id = ANY (${[...ids]}::uuid[]) AND ${mayKnowPair(actor, "p")}`;
  return pairsOf(
    actor,
    rows.map(({ id }) => id),
  );
}

/** The one measurement that there is of a unit and a guide by a protocol. */
export async function pairOfKey(
  client: Transaction,
  { unitHash, guideWeightsSha256, protocol }: PairKey,
): Promise<PairRow | null> {
  const row = await client.pair.findFirst({
    where: { unitHash, guideWeightsSha256, protocol, runtime: measuringRuntime() },
    select: columns,
  });
  return row && toRow(row);
}

/** What was found of a unit with any guide by the same protocol, and so by the same evaluators; null where nothing was. */
export async function measuredOfUnit({
  unitHash,
  protocol,
  runtime,
}: Pick<PairRow, "unitHash" | "protocol" | "runtime">): Promise<StoredSummary["measured"] | null> {
  const row = await database().pair.findFirst({
    where: { unitHash, protocol, runtime, measuredAt: { not: null } },
    orderBy: { measuredAt: "asc" },
    select: { summary: true },
  });
  return row && storedSummary.parse(row.summary).measured;
}

export interface NewPair extends Pick<PairKey, "guideWeightsSha256" | "protocol"> {
  readonly unit: Unit;
  readonly finetuneCommitId: string;
  readonly guideCommitId: string;
  readonly judgeCommitId: string | null;
  readonly summary: StoredSummary;
}

/** What it is measured with, as `tryOf` has it. */
type Drawn = Pick<PairRow, "period" | "tries">;

/** Whether the hub itself asks, for evidence that has become old. */
type Asked = { readonly isRerun: boolean };

/** @returns its id; null where these weights have such a row already */
export async function insertPair(
  transaction: Transaction,
  { unit, ...pair }: NewPair & Drawn & Asked,
): Promise<string | null> {
  const id = randomUUID();
  await insertUnit(transaction, unit);
  const { count } = await transaction.pair.createMany({
    data: { ...pair, id, unitHash: unit.hash, unitId: unit.id, runtime: measuringRuntime() },
    skipDuplicates: true,
  });
  return count === 1 ? id : null;
}

export async function deletePair(transaction: Transaction, id: string): Promise<void> {
  await transaction.pair.delete({ where: { id }, select: { id: true } });
}

/** A pair that ended without a result is to be measured at the commits that ask. */
export async function moveTo(
  transaction: Transaction,
  id: string,
  { unit, finetuneCommitId, guideCommitId, judgeCommitId, summary, period, tries }: NewPair & Drawn,
): Promise<void> {
  await insertUnit(transaction, unit);
  await transaction.pair.update({
    where: { id },
    data: { unitId: unit.id, finetuneCommitId, guideCommitId, judgeCommitId, summary, period, tries },
    select: { id: true },
  });
}

export interface Level {
  readonly level: 0 | 1 | 2 | 4 | 5;
  readonly n: number;
  readonly raw: Prisma.InputJsonValue;
  readonly milliseconds: number;
}

export interface Outcome {
  readonly verdict: Verdict;
  readonly reasons: readonly string[];
  readonly summary: StoredSummary;
  readonly levels: readonly Level[];
  readonly machine: string;
}

/** Written by who holds the attempt. A look has all that those before it had, whose values go. */
export async function writeOutcome(
  transaction: Transaction,
  id: string,
  attempt: number,
  { levels, machine, reasons, ...outcome }: Outcome,
): Promise<void> {
  await transaction.pair.update({
    where: { id },
    data: { ...outcome, reasons: [...reasons], measuredAt: new Date() },
    select: { id: true },
  });
  await transaction.measurement.deleteMany({ where: { pairId: id } });
  await transaction.measurement.createMany({
    data: levels.map((level) => ({ ...level, id: randomUUID(), pairId: id, attempt, machine })),
  });
}

/** Of the last look. */
export function measurementsOf(pairId: string, withRaw: boolean, client: Transaction = database()) {
  return client.measurement.findMany({
    where: { pairId },
    distinct: ["level"],
    orderBy: [{ level: "asc" }, { attempt: "desc" }],
    select: { level: true, n: true, machine: true, milliseconds: true, raw: withRaw },
  });
}
