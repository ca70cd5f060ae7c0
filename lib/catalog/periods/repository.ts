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

/** When the last of some weights first came to the hub; null where none did. */
export async function lastFirstSeen(client: Transaction, weights: readonly string[]): Promise<Date | null> {
  const [row] = await client.$queryRaw<[{ at: Date | null }]>`
    SELECT max(first_at) AS at FROM (
      SELECT min(first_at) AS first_at FROM repo_weights WHERE weights_sha256 = ANY (${[...weights]}) GROUP BY weights_sha256) one`;
  return row.at;
}

/** The first that ends after a moment: of what came before there was any, the first of all. */
export async function firstEndingAfter(client: Transaction, moment: Date): Promise<number | null> {
  const row = await client.measuringPeriod.findFirst({
    where: { endsAt: { gt: moment } },
    orderBy: { number: "asc" },
    select: { number: true },
  });
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

/** Whose guide it is: of the person who committed it, and of the namespace that it lies in. */
export async function authorOf(
  client: Transaction,
  guideCommitId: string,
): Promise<{ readonly personId: string | null; readonly namespaceId: string } | null> {
  const commit = await client.commit.findUnique({
    where: { id: guideCommitId },
    select: { authorId: true, repo: { select: { namespaceId: true } } },
  });
  return commit && { personId: commit.authorId, namespaceId: commit.repo.namespaceId };
}

/** How many guides the person, or the namespace, has tried on a unit. */
export const countTries = (
  client: Transaction,
  unitHash: string,
  { personId, namespaceId }: { readonly personId: string | null; readonly namespaceId: string },
): Promise<number> =>
  client.guideTry.count({ where: { unitHash, OR: [{ namespaceId }, ...(personId === null ? [] : [{ personId }])] } });

export async function insertTry(
  transaction: Transaction,
  row: TryKey & TryRow & { readonly personId: string | null; readonly namespaceId: string },
): Promise<void> {
  await transaction.guideTry.create({ data: row, select: { number: true } });
}
