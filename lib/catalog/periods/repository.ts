import { database } from "#lib/db/client.ts";
import type { Transaction } from "#lib/db/transaction.ts";

export interface PeriodRow {
  readonly number: number;
  readonly committedAt: Date;
  readonly startsAt: Date;
  readonly endsAt: Date;
  readonly commitment: string;
  /** Shown to nobody before it is told. */
  readonly secret: string;
  readonly toldAt: Date | null;
}

/** Whoever else begins or ends a period waits until the transaction ends. */
export async function lockPeriods(transaction: Transaction): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(${LOCK})`;
}

const LOCK = 4301;

export const newestPeriods = (limit: number, client: Transaction = database()): Promise<PeriodRow[]> =>
  client.measuringPeriod.findMany({ orderBy: { number: "desc" }, take: limit });

export const periodOf = (number: number): Promise<PeriodRow | null> =>
  database().measuringPeriod.findUnique({ where: { number } });

/** Those that ended before a moment and have not been told. */
export const untoldPeriods = (endedBefore: Date, client: Transaction = database()): Promise<PeriodRow[]> =>
  client.measuringPeriod.findMany({
    where: { toldAt: null, endsAt: { lte: endedBefore } },
    orderBy: { number: "asc" },
  });

export async function insertPeriod(transaction: Transaction, row: Omit<PeriodRow, "toldAt">): Promise<void> {
  await transaction.measuringPeriod.create({ data: row, select: { number: true } });
}

export async function updatePeriod(
  transaction: Transaction,
  number: number,
  data: Partial<Pick<PeriodRow, "endsAt" | "toldAt">>,
): Promise<void> {
  await transaction.measuringPeriod.update({ where: { number }, data, select: { number: true } });
}

/**
 * The first period that ends after the last of some weights first came: of what came before there was any, the first of all. Null where
 * none does.
 */
export async function periodOfWeights(client: Transaction, weights: readonly string[]): Promise<number | null> {
  const [row] = await client.$queryRaw<{ number: number }[]>`
    SELECT number FROM measuring_period WHERE ends_at > coalesce((
      SELECT max(first_at) FROM (
        SELECT min(first_at) AS first_at FROM repo_weights WHERE weights_sha256 = ANY (${[...weights]}) GROUP BY weights_sha256) one), now())
    ORDER BY number LIMIT 1`;
  return row?.number ?? null;
}

/** One guide on one unit, by what decides its dice and its part of the error: for good, whoever asks again. */
export interface TryRow {
  readonly number: number;
  readonly period: number;
}

export interface TryKey {
  readonly unitHash: string;
  readonly guideWeightsSha256: string;
}

export const findTry = (client: Transaction, key: TryKey): Promise<TryRow | null> =>
  client.guideTry.findUnique({ where: { unitHash_guideWeightsSha256: key }, select: { number: true, period: true } });

/** Those who count the guides of one unit do so one after the other. */
export async function lockTriesOf(transaction: Transaction, unitHash: string): Promise<void> {
  await transaction.$executeRaw`SELECT pg_advisory_xact_lock(hashtextextended(${unitHash}, ${LOCK}))`;
}

/**
 * Counts a guide among those that whoever committed it, or the namespace that it lies in, has tried on the unit. Null where the guide is
 * gone.
 */
export async function insertTry(
  transaction: Transaction,
  { unitHash, guideWeightsSha256 }: TryKey,
  guideCommitId: string,
  period: number,
): Promise<TryRow | null> {
  const [row] = await transaction.$queryRaw<TryRow[]>`
    INSERT INTO guide_try (unit_hash, guide_weights_sha256, number, period, person_id, namespace_id)
    SELECT ${unitHash}, ${guideWeightsSha256}, 1 + (
        SELECT count(*)::int FROM guide_try t WHERE t.unit_hash = ${unitHash} AND (t.namespace_id = r.namespace_id OR t.person_id = c.author_id)),
      ${period}::int, c.author_id, r.namespace_id
    FROM commit c JOIN repo r ON r.id = c.repo_id WHERE c.id = ${guideCommitId}
    RETURNING number, period`;
  return row ?? null;
}
